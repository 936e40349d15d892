import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { brotliCompressSync } from 'node:zlib';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { commands } from '../operator/cli/program.ts';

/** What the commands for clusters take of a library that is ten times as large as everything else. */
const CLIENT = '@kubernetes/client-node';
const USED = ['KubeConfig'];
const CATALOG = 'operator/sysctl/catalog/catalog.json';

/** Text that ends so many bytes before the end of the file that this code is in. */
const textAt = (length: number, beforeEnd: number): string => `
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
const file = openSync(__filename);
const bytes = Buffer.allocUnsafe(${length});
readSync(file, bytes, 0, ${length}, fstatSync(file).size - ${beforeEnd + length});
closeSync(file);
const text = bytes.latin1Slice();`;

const runLibraries = `
const code = require('node:zlib').brotliDecompressSync(Buffer.from(text, 'base64')).toString();
const inner = { exports: {} };
const parameters = ['module', 'exports', 'require', '__filename', '__dirname'];
const { compileFunction, constants } = require('node:vm');
const run = compileFunction(code, parameters, {
  filename: __filename + '#libraries',
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
run(inner, inner.exports, require, __filename, __dirname);
export default inner.exports;`;

/** operator/sysctl/catalog/entries.ts over a text that has each entry in a line behind its name: one is read when it is asked for. */
const readEntries = `
const known = new Map();
const nameOf = (line) => line.slice(0, line.indexOf('\\t'));
const read = (line) => {
  const name = nameOf(line);
  if (!known.has(name)) known.set(name, JSON.parse(line.slice(name.length + 1)));
  return known.get(name);
};
let lines;
const all = () => (lines ??= text.split('\\n').slice(1, -1));
export const allEntries = () => all().map(read);
export const allNames = () => all().map(nameOf);
export function entryNamed(name) {
  if (known.has(name)) return known.get(name);
  const start = text.indexOf('\\n' + name + '\\t');
  return start === -1 ? undefined : read(text.slice(start + 1, text.indexOf('\\n', start + 1)));
}`;

/** Stands for what would end the comment. */
const END = '*\u0001/';
const inComment = (code: string): string => `/*${code.replaceAll('*/', END)}*/`;

const OPENING = 2;
/** Numbers in the launcher have so many digits, so that it can say where it ends itself. */
const DIGITS = 8;
const padded = (n: number): string => String(n).padStart(DIGITS, '0');

async function launcher(options: BuildOptions, program: string, start: number): Promise<string> {
  const about = {
    start: padded(start),
    length: padded(inComment(program).length - 2 * OPENING),
    hash: createHash('sha256').update(program).digest('hex').slice(0, 16),
    commands: commands.map(({ name }) => name),
  };
  const { outputFiles } = await build({
    ...options,
    entryPoints: ['operator/cli/launcher.ts'],
    define: { PROGRAM: JSON.stringify(about) },
    banner: { js: '#!/usr/bin/env node' },
    write: false,
  });
  return outputFiles?.[0]?.text ?? '';
}

async function launch(options: BuildOptions, program: string): Promise<string> {
  const { length } = await launcher(options, program, 0);
  return `${await launcher(options, program, length + OPENING)}${inComment(program)}\n`;
}

const NAMESPACE = 'packed';

const packedPlugin = (unpackLibraries: string, unpackCatalog: string): Plugin => ({
  name: NAMESPACE,
  setup(builder) {
    const library = new RegExp(`^(${CLIENT}|packed-libraries)$`);
    builder.onResolve({ filter: library }, ({ path }) => ({ path, namespace: NAMESPACE }));
    builder.onLoad({ filter: library, namespace: NAMESPACE }, ({ path }) => ({
      contents:
        path === 'packed-libraries'
          ? unpackLibraries
          : // By name, so that the build fails where something else is imported.
            `import libraries from 'packed-libraries';
            export const { ${USED.join(', ')} } = libraries['${path}'];`,
      loader: 'js',
    }));
    builder.onLoad({ filter: /\/catalog\/entries\.ts$/ }, () => ({
      contents: unpackCatalog,
      loader: 'js',
    }));
  },
});

/**
 * client-node without its thousand classes for objects of the API, which make nine tenths of it, and without what sends requests: nobody
 * here needs more than its configuration. The build fails where a version has that elsewhere.
 */
const clientOfNothing: Plugin = {
  name: 'client-of-nothing',
  setup(builder) {
    const parts: Readonly<Record<string, string>> = {
      [CLIENT]: `export { KubeConfig } from '${CLIENT}/dist/config.js';`,
      './gen/index.js': ['configuration', 'servers']
        .map((part) => `export * from '${CLIENT}/dist/gen/${part}.js';`)
        .join('\n'),
      undici: `const not = () => { throw new Error('client-node sends nothing here'); };
        export { not as Agent, not as ProxyAgent, not as fetch };`,
    };
    const filter = new RegExp(`^(${CLIENT}|undici|\\./gen/index\\.js)$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: NAMESPACE }));
    builder.onLoad({ filter, namespace: NAMESPACE }, ({ path }) => ({
      contents: parts[path] ?? '',
      resolveDir: '.',
    }));
  },
};

async function libraries(options: BuildOptions): Promise<string> {
  const contents = `import * as client from '${CLIENT}';\nexports['${CLIENT}'] = { ...client };`;
  const { outputFiles } = await build({
    ...options,
    stdin: { contents, resolveDir: '.' },
    plugins: [clientOfNothing],
    write: false,
  });
  return brotliCompressSync(outputFiles?.[0]?.contents ?? '').toString('base64');
}

/** A line for each entry, in ASCII, in which nothing ends a comment. */
async function catalog(): Promise<string> {
  const entries = JSON.parse(await readFile(CATALOG, 'utf8')) as { name: string }[];
  const text = `\n${entries.map((entry) => `${entry.name}\t${JSON.stringify(entry)}\n`).join('')}`;
  const ascii = text.replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return ascii.replaceAll('*/', String.raw`*\/`);
}

/**
 * How the command line becomes one file that starts fast.
 *
 * V8 goes through every character of a program before it runs the first: ten times slower through code than through a comment. So what
 * a command does not need is put behind it as comments, and taken out of the very file when it is asked for. The program itself is such
 * a comment, too, which operator/cli/launcher.ts starts.
 */
export async function commandLine(options: BuildOptions): Promise<string> {
  const [libraryText, catalogText] = [await libraries(options), await catalog()];
  const catalogComment = inComment(catalogText);
  // "*/", and line breaks behind both.
  const end = 3;
  const plugin = packedPlugin(
    `${textAt(libraryText.length, catalogComment.length + 1 + end)}${runLibraries}`,
    `${textAt(catalogText.length, end)}${readEntries}`,
  );
  const { outputFiles } = await build({
    ...options,
    entryPoints: ['operator/cli/main.ts'],
    // Every name costs a call when the program starts.
    keepNames: false,
    plugins: [plugin],
    write: false,
  });
  const program = outputFiles?.[0]?.text ?? '';
  return `${await launch(options, program)}${inComment(libraryText)}\n${catalogComment}\n`;
}
