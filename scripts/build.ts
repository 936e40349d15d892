import { rm } from 'node:fs/promises';
import { build, type Plugin } from 'esbuild';

/** Bundles dist/main.cjs (picks the role) and one file per role, so that no role loads another's libraries. */
const roles = ['manager', 'agent'];

/** operator/main.ts imports a role by its source file; in the bundle that is the file beside it. */
const rolesStayApart: Plugin = {
  name: 'roles-stay-apart',
  setup(builder) {
    builder.onResolve({ filter: /^\.\/(manager|agent)\/main\.ts$/ }, ({ path }) => ({
      path: `./${path.split('/')[1]}.cjs`,
      external: true,
    }));
  },
};

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    main: 'operator/main.ts',
    ...Object.fromEntries(roles.map((role) => [role, `operator/${role}/main.ts`])),
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [rolesStayApart],
});
