const MOST = 5;

/** Edits (insert, delete, replace, swap neighbours) from one text to the other; `limit` + 1 when there are more. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (before[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    if (Math.min(...row) > limit) return limit + 1;
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** How far a name is from the typed one, in edits; more than `limit` when it is too far. */
function score(wanted: string, name: string, limit: number): number {
  if (name.split('.').includes(wanted)) return 0;
  if (wanted.length >= 4 && name.includes(wanted)) return 1;
  const whole = distance(wanted, name, limit);
  // The right end in the wrong folder, or alone.
  const end = lastPart(wanted);
  const allowed = Math.floor(end.length / 6);
  const tail = end.length >= 4 ? distance(end, lastPart(name), allowed) : allowed + 1;
  return tail <= allowed ? Math.min(whole, tail + 1) : whole;
}

/**
 * The names nearest to a mistyped one, best first: few edits, a part of the name (inotify, first those with a component of that name), or the right last part in the wrong
 * folder (net.somaxconn).
 */
export function closest(typed: string, names: readonly string[]): string[] {
  const wanted = typed.trim().toLowerCase().replaceAll('/', '.');
  const limit = Math.max(2, Math.floor(wanted.length / 5));
  return names
    .map((name) => ({ name, score: score(wanted, name.toLowerCase(), limit) }))
    .filter((one) => one.score <= limit)
    .toSorted((a, b) => a.score - b.score || a.name.length - b.name.length || a.name.localeCompare(b.name))
    .slice(0, MOST)
    .map(({ name }) => name);
}
