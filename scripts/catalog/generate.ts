import { advice } from './advice.ts';
import { composeAll } from './compose.ts';
import { essentials } from './essentials.ts';
import { readAnnotations, readMeasured } from './inputs.ts';
import { printJson } from './json.ts';
import { names } from './names.ts';
import { sysctlsPage } from './page.ts';

/** Every generated file, by its path in the project. Throws when the data do not follow their schema or contradict each other. */
export function generate(): Record<string, string> {
  const measured = readMeasured();
  const entries = composeAll(measured, readAnnotations());
  return {
    'operator/sysctl/catalog/catalog.json': `${printJson(entries)}\n`,
    'operator/sysctl/catalog/essentials.json': `${printJson(essentials(entries))}\n`,
    'operator/sysctl/catalog/advice.json': `${printJson(advice(entries))}\n`,
    'operator/sysctl/catalog/names.json': `${printJson(names(entries))}\n`,
    'docs/sysctls.md': sysctlsPage(entries, measured.kernel),
  };
}
