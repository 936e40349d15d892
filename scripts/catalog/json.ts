const WIDTH = 110;

/** On one line, with blanks inside braces: { "a": 1, "b": [1, 2] }. */
function flat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}: ${flat(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/**
 * JSON as the project's formatter leaves it, so that a generated file is the same before and after `npm run format`: what fits into
 * a line stays on one.
 */
export function printJson(value: unknown, indent = '', used = 0): string {
  const line = flat(value);
  const top = indent === '' && value !== null && typeof value === 'object';
  if (!top && indent.length + used + line.length <= WIDTH) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => `${inner}${printJson(item, inner, 1)}`);
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (value === null || typeof value !== 'object') return line;
  const fields = Object.entries(value).map(([key, field]) => {
    const name = `${JSON.stringify(key)}: `;
    return `${inner}${name}${printJson(field, inner, name.length + 1)}`;
  });
  return `{\n${fields.join(',\n')}\n${indent}}`;
}
