/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** Parses JSON text; `undefined` when it is none, so that the caller decides what a broken body means. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** True for objects, not for arrays, null, and bodies that are not JSON at all. */
export function isJsonObject(value: Json | Buffer | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

/** The value itself when it is an object, else an empty one: for reading optional parts. */
export function toJsonObject(value: Json | Buffer | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
