/** `npm run catalog`: writes what is generated from operator/sysctl/catalog/measured.json and the annotations beside it. */
import { writeFileSync } from 'node:fs';
import { generate } from './catalog/generate.ts';

const write = (path: string, content: string): void => {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
  process.stdout.write(`${path}\n`);
};

for (const [path, content] of Object.entries(generate())) write(path, content);
// Made of the operator's own code, which reads what was written just now.
const { advicePolicy, PATH } = await import('./catalog/advice-policy.ts');
write(PATH, advicePolicy());
