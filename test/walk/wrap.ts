import { syncBuiltinESMExports } from 'node:module';
import { watchFiles } from './file-effects.ts';
import { watchNetwork } from './network-effects.ts';
import { watchProcesses } from './process-effects.ts';

/** Called before an effect on the world, with its name. */
export type Effect = (name: string) => void;

/**
 * What this process asks of Node's own modules and what changes the world with it goes through `effect` first. At Node's border rather
 * than at an interface of the program's: so an effect that is added to the program is among them without anybody remembering it.
 */
export function watchEffects(effect: Effect): void {
  watchFiles(effect);
  watchProcesses(effect);
  watchNetwork(effect);
  syncBuiltinESMExports();
}
