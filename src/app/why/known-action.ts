/** Whether there is such an action at all: a slip of the pen is no denial. */
import { join } from 'node:path';
import { actionFacts, type AuthorizationReference, openAuthorizationReference } from '../../protocol/index.ts';
import type { House } from '../../services/index.ts';

const references = new WeakMap<House, AuthorizationReference>();

/** Why it is none, and what was perhaps meant; undefined for an action that is known, or of a service without data. */
export function actionProblem(house: House, action: string): string | undefined {
  const reference = referenceOf(house);
  const colon = action.indexOf(':');
  const data = reference.service(action.slice(0, colon).toLowerCase());
  if (data === undefined || action.includes('*') || actionFacts(reference, action) !== undefined) return undefined;
  const names = Object.keys(data.actions);
  const wanted = action.slice(colon + 1);
  const near = names
    .map((name) => ({ name, distance: distance(name.toLowerCase(), wanted.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)[0];
  const hint = near !== undefined && near.distance <= 3 ? ` Perhaps ${data.prefix}:${near.name}?` : '';
  return `There is no action ${action}.${hint}`;
}

function referenceOf(house: House): AuthorizationReference {
  let reference = references.get(house);
  if (reference === undefined) {
    // The models lie beside the assets.
    reference = openAuthorizationReference(join(house.config.assetsDir, '..', 'models'));
    references.set(house, reference);
  }
  return reference;
}

/** Levenshtein's: how many letters to change, add or leave out. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
