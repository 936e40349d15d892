/** Compares two resourceVersions of one collection (KEP-5504): decimal numbers of any length without leading zeros. */
export const isAtLeast = (version: string, other: string): boolean =>
  version.length === other.length ? version >= other : version.length > other.length;
