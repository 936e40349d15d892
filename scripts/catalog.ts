/** `npm run catalog`: writes what is generated from operator/sysctl/catalog/measured.json and the annotations beside it. */
import { writeFileSync } from 'node:fs';
import { generate } from './catalog/generate.ts';

for (const [path, content] of Object.entries(generate())) {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
  process.stdout.write(`${path}\n`);
}
