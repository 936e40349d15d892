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

/**
 * The names nearest to a mistyped one, best first: few edits, or the right last part in the wrong folder (net.somaxconn), or only the
 * end of the name (max_map_count).
 */
export function closest(typed: string, names: readonly string[]): string[] {
  const wanted = typed.trim().toLowerCase().replaceAll('/', '.');
  const limit = Math.max(2, Math.floor(wanted.length / 5));
  const end = lastPart(wanted);
  const scored = names
    .map((name) => {
      const lower = name.toLowerCase();
      const part = lastPart(lower);
      const whole = distance(wanted, lower, limit);
      const tail = end.length >= 4 ? distance(end, part, Math.max(1, Math.floor(end.length / 6))) : limit;
      return {
        name,
        score: Math.min(whole, tail <= Math.floor(end.length / 6) || tail === 0 ? tail + 1 : limit + 1),
      };
    })
    .filter(({ score }) => score <= limit);
  return scored
    .toSorted((a, b) => a.score - b.score || a.name.length - b.name.length || a.name.localeCompare(b.name))
    .slice(0, MOST)
    .map(({ name }) => name);
}
