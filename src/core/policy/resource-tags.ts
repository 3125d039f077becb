/** Whether a decision may need the tags of its resource, which cost a look into the store. */
import { compiledPolicy } from './compile.ts';
import type { NamedPolicy, PolicySet } from './types.ts';

/** True where any policy that may decide names a `ResourceTag/...` key, in a condition or as a variable. */
export function readsResourceTags(
  policies: PolicySet,
  ofResource: readonly NamedPolicy[] = [],
  resourceControl: readonly (readonly NamedPolicy[])[] = policies.resourceControl ?? [],
): boolean {
  return (
    some(policies.identity) ||
    some(ofResource) ||
    (policies.boundary !== undefined && some([policies.boundary])) ||
    some(policies.session ?? []) ||
    (policies.serviceControl ?? []).some(some) ||
    resourceControl.some(some) ||
    (policies.endpoint !== undefined && some([policies.endpoint]))
  );
}

function some(policies: readonly NamedPolicy[]): boolean {
  for (const policy of policies) if (compiledPolicy(policy.document).readsResourceTags) return true;
  return false;
}
