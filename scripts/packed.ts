import { readFile } from 'node:fs/promises';
import { brotliCompressSync } from 'node:zlib';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * V8 goes through every character of a program before it runs the first: ten times slower through code than through a comment. So what
 * a command line of a few hundred lines rarely needs is put behind it as comments, and taken out of the very file when it is asked for.
 */
export interface Packed {
  plugin: Plugin;
  /** The comments, for the end of the file. */
  footer: string;
}

/** Names as they are imported; what only these import comes along. They are ten times as large as everything else. */
const LIBRARIES = ['@kubernetes/client-node', 'undici'];
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
const run = require('node:vm').compileFunction(code, parameters, { filename: __filename + '#libraries' });
run(inner, inner.exports, require, __filename, __dirname);
export default inner.exports;`;

/** A default export as it is: of a CommonJS module esbuild would wrap each of the thousand entries. */
const parseCatalog = `
export default JSON.parse(text);`;

const NAMESPACE = 'packed';

const packedPlugin = (unpackLibraries: string, unpackCatalog: string): Plugin => ({
  name: NAMESPACE,
  setup(builder) {
    const library = new RegExp(`^(${LIBRARIES.join('|')}|packed-libraries)$`);
    builder.onResolve({ filter: library }, ({ path }) => ({ path, namespace: NAMESPACE }));
    builder.onLoad({ filter: library, namespace: NAMESPACE }, ({ path }) => ({
      contents:
        path === 'packed-libraries'
          ? unpackLibraries
          : `module.exports = require('packed-libraries').default['${path}'];`,
      loader: 'js',
    }));
    builder.onLoad({ filter: /\/catalog\/catalog\.json$/ }, () => ({
      contents: unpackCatalog,
      loader: 'js',
    }));
  },
});

async function libraries(options: BuildOptions): Promise<string> {
  const contents = LIBRARIES.map((name) => `exports['${name}'] = require('${name}');`).join('\n');
  const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir: '.' }, write: false });
  return brotliCompressSync(outputFiles?.[0]?.contents ?? '').toString('base64');
}

/** As JSON in ASCII, in which nothing ends a comment. */
async function catalog(): Promise<string> {
  const text = JSON.stringify(JSON.parse(await readFile(CATALOG, 'utf8')));
  const ascii = text.replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return ascii.replaceAll('*/', String.raw`*\/`);
}

/** Packs the catalog and the libraries that talk to a cluster for a build with `options`. */
export async function pack(options: BuildOptions): Promise<Packed> {
  const [libraryText, catalogText] = [await libraries(options), await catalog()];
  // "*/", and the line break that esbuild puts behind everything.
  const end = 3;
  const catalogComment = `/*${catalogText}*/`;
  return {
    plugin: packedPlugin(
      `${textAt(libraryText.length, catalogComment.length + end + 1)}${runLibraries}`,
      `${textAt(catalogText.length, end)}${parseCatalog}`,
    ),
    footer: `/*${libraryText}*/\n${catalogComment}`,
  };
}
