import { rm, writeFile } from 'node:fs/promises';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { commandLine } from './packed.ts';

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

/**
 * The agent needs the YAML library only on nodes whose kubelet is to be changed. In its own file it would be half of what V8 reads, and
 * keeps, on all the others.
 */
const yamlApart: Plugin = {
  name: 'yaml-apart',
  setup(builder) {
    builder.onResolve({ filter: /^yaml$/ }, () => ({ path: './yaml.cjs', external: true }));
  },
};

const common: BuildOptions = {
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
};

await rm('dist', { recursive: true, force: true });
await build({
  ...common,
  entryPoints: {
    main: 'operator/main.ts',
    ...Object.fromEntries(roles.map((role) => [role, `operator/${role}/main.ts`])),
  },
  outdir: 'dist',
  plugins: [rolesStayApart, yamlApart],
});
await build({ ...common, entryPoints: { yaml: 'yaml' }, outdir: 'dist' });

/** The plugin of kubectl, one file that runs wherever Node is: kubectl finds it by its name in PATH. */
await writeFile('dist/kubectl-sysctl.cjs', await commandLine(common), { mode: 0o755 });
