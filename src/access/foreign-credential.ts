/**
 * Whether a text looks like a credential of GitHub or OpenAI, or like a JSON Web Token. Tokens of this server are opaque
 * texts of its own; those of others are neither taken nor passed on (MCP, security best practices: token pass-through).
 */
export function isForeignCredential(text: string): boolean {
  return /^(?:gh[a-z]_|github_pat_|v1\.[0-9a-f]{40}|sk-|sess-|eyJ[\w-]+\.[\w-]+\.[\w-]*$)/i.test(text);
}
