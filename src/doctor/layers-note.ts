/** File systems of Linux that no overlay can write to, by their numbers in statfs(2) (linux/magic.h, fs/smb, fs/exfat). */
const NEVER_ABOVE = new Map([
  [0x79_4c_76_30, "an overlay"],
  [0x69_69, "NFS"],
  [0x65_73_55_46, "FUSE or virtiofs"],
  [0x01_02_19_97, "9p"],
  [0xff_53_4d_42, "CIFS"],
  [0xfe_53_4d_42, "SMB"],
  [0x4d_44, "FAT"],
  [0x20_11_ba_b0, "exFAT"],
]);

/**
 * Says that what a repository's `setup` makes cannot be kept for later runs, and what happens instead; null when the file
 * system of RUNS_PATH does not speak against it. The engine has the last word, when a run is set up.
 */
export function toLayersNote({ type }: { type: number }): string | null {
  const name = NEVER_ABOVE.get(type);
  return name === undefined
    ? null
    : `its file system is ${name}, where what \`setup\` makes cannot be kept for later runs: each one sets up anew`;
}
