import { createHash } from 'node:crypto';
import { transformSync, version } from 'esbuild';

const options = { loader: 'ts', format: 'esm', target: 'node24', sourcemap: 'inline' };

/** Jest transformer: strips types with esbuild (Jest's own transformers need a JavaScript compiler API that TypeScript 7 has not). */
export default {
  process: (source, path) => ({ code: transformSync(source, { ...options, sourcefile: path }).code }),
  getCacheKey: (source, path) => createHash('sha1').update(version).update(path).update(source).digest('hex'),
};
