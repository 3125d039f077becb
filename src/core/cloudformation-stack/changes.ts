/** What an operation would do to each resource, as far as it can be said beforehand. */
import { attempt, evaluate, isObject, isOpen, NO_ECHO } from '../cloudformation-template/index.ts';
import type { Json } from '../../common/index.ts';
import { changed } from './decide.ts';
import type { Configuration, StackState } from './stack.ts';

export type PlannedChange = Readonly<{
  action: 'Add' | 'Modify' | 'Remove';
  logicalId: string;
  physicalId?: string;
  type: string;
  /** `Conditional`: a property that needs it may change, depending on another resource. */
  replacement?: 'True' | 'False' | 'Conditional';
  /** The properties that change. */
  properties: readonly string[];
}>;

/** A change of a resource is a possible change of those that refer to it; such a property counts as changed. */
export function planChanges<C extends Configuration>(state: StackState<C>, { plan, rules }: C): PlannedChange[] {
  const standing = Object.values(state.resources).filter(
    ({ physicalId, status }) => physicalId !== undefined && status !== 'DELETE_COMPLETE',
  );
  const known = new Map(standing.map((each) => [each.logicalId, each]));
  const moved = new Set<string>();
  const changes: PlannedChange[] = [];
  const left = new Map(Object.entries(plan.resources));
  while (left.size > 0) {
    const ready = [...left].filter(([, { dependsOn }]) => dependsOn.every((each) => !left.has(each)));
    if (ready.length === 0) break;
    for (const [logicalId, { type, properties }] of ready) {
      left.delete(logicalId);
      const before = known.get(logicalId);
      if (before === undefined || before.type !== type) {
        moved.add(logicalId);
        changes.push({ action: 'Add', logicalId, type, properties: [] });
        continue;
      }
      const evaluated = attempt(() =>
        evaluate(properties, {
          ref: (name) => (moved.has(name) ? undefined : known.get(name)?.physicalId),
          attribute: (name, attribute) => (moved.has(name) ? undefined : known.get(name)?.attributes[attribute]),
        }),
      );
      const after = isObject(evaluated.value) ? evaluated.value : properties;
      const names = changed(before.applied, after);
      if (names.length === 0) continue;
      const needing = names.filter((name) => rules[type]?.replaceOn.includes(name) === true);
      const sure = needing.some((name) => !isOpenToResources(after[name]));
      const replacement = needing.length === 0 ? 'False' : sure ? 'True' : 'Conditional';
      if (replacement !== 'False') moved.add(logicalId);
      const { physicalId } = before;
      changes.push({
        action: 'Modify',
        logicalId,
        type,
        replacement,
        properties: names,
        ...(physicalId === undefined ? {} : { physicalId }),
      });
    }
  }
  for (const { logicalId, type, physicalId } of standing) {
    if (Object.hasOwn(plan.resources, logicalId)) continue;
    changes.push({
      action: 'Remove',
      logicalId,
      type,
      properties: [],
      ...(physicalId === undefined ? {} : { physicalId }),
    });
  }
  return changes.toSorted((a, b) => (a.logicalId < b.logicalId ? -1 : 1));
}

function isOpenToResources(value: Json | undefined): boolean {
  if (value === undefined) return false;
  const closed = attempt(() => evaluate(value, { ref: () => undefined, secret: () => NO_ECHO }));
  return closed.value !== undefined && isOpen(closed.value);
}
