import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../common/index.ts';
import {
  isInProgress,
  type Configuration,
  decide,
  type StackEffect,
  type StackEvent,
  type StackState,
} from './index.ts';

type Properties = JsonObject;

/** `A`: its properties; what `after` says it waits for. */
function configuration(
  resources: Readonly<Record<string, Properties>>,
  after: Readonly<Record<string, string[]>> = {},
): Configuration {
  return {
    plan: {
      resources: Object.fromEntries(
        Object.entries(resources).map(([id, properties]) => [
          id,
          {
            type: 'Thing',
            properties,
            dependsOn: (after[id] ?? []).filter((each) => Object.hasOwn(resources, each)),
            deletionPolicy: 'Delete',
            updateReplacePolicy: 'Delete',
          },
        ]),
      ),
      outputs: {},
    },
    rules: { Thing: { replaceOn: ['Kind'] } },
  };
}

const NEW: StackState = {
  stackId: 'arn',
  stackName: 'stack',
  status: 'REVIEW_IN_PROGRESS',
  createdAt: 0,
  operations: 0,
  resources: {},
  outputs: {},
  events: [],
};

/** A world of physical resources, on which effects are performed in an order that `choose` gives. */
class World {
  state = NEW;
  things = new Map<string, Properties>();
  started: string[] = [];
  pending: Exclude<StackEffect, { type: 'Wake' }>[] = [];
  woken = 0;
  readonly fails: (effect: StackEffect) => boolean;

  constructor(fails: (effect: StackEffect) => boolean = () => false) {
    this.fails = fails;
  }

  submit(event: StackEvent): void {
    const { state, effects } = decide(this.state, event, 1);
    this.state = state;
    for (const effect of effects) {
      if (effect.type === 'Wake') this.woken += 1;
      else {
        this.started.push(`${effect.type} ${effect.logicalId}`);
        this.pending.push(effect);
      }
    }
  }

  run(choose: (count: number) => number = () => 0): void {
    while (this.pending.length > 0) {
      const [effect] = this.pending.splice(choose(this.pending.length), 1);
      if (effect === undefined) continue;
      const result = this.perform(effect);
      this.submit(result);
      // Heard twice, it changes nothing.
      const before = this.state;
      this.submit(result);
      expect(this.state).toBe(before);
    }
  }

  private perform(effect: Exclude<StackEffect, { type: 'Wake' }>): StackEvent {
    const { task, logicalId, generation } = effect;
    if (this.fails(effect)) return { type: 'ResourceFailed', task, reason: 'no' };
    if (effect.type === 'DeleteResource') {
      this.things.delete(effect.physicalId);
      return { type: 'ResourceDeleted', task };
    }
    const physicalId = effect.type === 'UpdateResource' ? effect.physicalId : `${logicalId}-${generation}`;
    this.things.set(physicalId, effect.properties);
    return { type: 'ResourceApplied', task, physicalId, attributes: {} };
  }
}

const create = (target: Configuration): StackEvent => ({ type: 'CreateRequested', target, onFailure: 'ROLLBACK' });
const update = (target: Configuration): StackEvent => ({ type: 'UpdateRequested', target, onFailure: 'ROLLBACK' });

describe('decide()', () => {
  it('starts what waits for nothing side by side, and the rest when what it waits for is made', () => {
    const world = new World();
    world.submit(create(configuration({ A: {}, B: {}, C: { Of: { Ref: 'A' } } }, { C: ['A', 'B'] })));
    expect(world.started).toEqual(['CreateResource A', 'CreateResource B']);
    world.run();
    expect(world.started).toEqual(['CreateResource A', 'CreateResource B', 'CreateResource C']);
    expect(world.things.get('C-1')).toEqual({ Of: 'A-1' });
    expect(world.state.status).toBe('CREATE_COMPLETE');
    expect(world.woken).toBe(1);
  });

  it('deletes in the opposite order', () => {
    const world = new World();
    world.submit(create(configuration({ A: {}, B: {} }, { B: ['A'] })));
    world.run();
    world.started = [];
    world.submit({ type: 'DeleteRequested', retain: [] });
    world.run();
    expect(world.started).toEqual(['DeleteResource B', 'DeleteResource A']);
    expect(world.state.status).toBe('DELETE_COMPLETE');
    const before = world.state;
    world.submit(update(configuration({ A: {} })));
    expect(world.state).toBe(before);
  });

  it('leaves alone what comes out as it was, and follows a replacement to what refers to it', () => {
    const world = new World();
    const of = (Kind: string) => configuration({ A: { Kind }, B: { Of: { Ref: 'A' } }, C: {} }, { B: ['A'] });
    world.submit(create(of('x')));
    world.run();
    world.started = [];
    world.submit(update(of('y')));
    world.run();
    expect(world.started).toEqual(['CreateResource A', 'UpdateResource B', 'DeleteResource A']);
    expect(Object.fromEntries(world.things)).toEqual({ 'A-2': { Kind: 'y' }, 'B-1': { Of: 'A-2' }, 'C-1': {} });
  });

  const ids = ['A', 'B', 'C', 'D', 'E'];
  const shape = fc.record({
    kinds: fc.dictionary(fc.constantFrom(...ids), fc.constantFrom('x', 'y'), { minKeys: 1 }),
    sizes: fc.dictionary(fc.constantFrom(...ids), fc.integer({ min: 0, max: 1 })),
    edges: fc.array(fc.tuple(fc.constantFrom(...ids), fc.constantFrom(...ids)), { maxLength: 6 }),
  });
  const configured = ({
    kinds,
    sizes,
    edges,
  }: {
    kinds: Record<string, string>;
    sizes: Record<string, number>;
    edges: [string, string][];
  }) =>
    configuration(
      Object.fromEntries(Object.entries(kinds).map(([id, Kind]) => [id, { Kind, Size: sizes[id] ?? 0 }])),
      // An edge goes to an earlier letter, so that there is no circle.
      Object.fromEntries(
        ids.map((id) => [id, edges.filter(([from, to]) => from === id && to < id).map(([, to]) => to)]),
      ),
    );

  it('leaves nothing behind whatever fails as a stack is made', () => {
    fc.assert(
      fc.property(shape, fc.constantFrom(...ids), fc.infiniteStream(fc.nat()), (one, victim, order) => {
        const world = new World((effect) => effect.type === 'CreateResource' && effect.logicalId === victim);
        world.submit(create(configured(one)));
        world.run((count) => (order.next().value as number) % count);
        const failed = Object.hasOwn(one.kinds, victim);
        expect(world.state.status).toBe(failed ? 'ROLLBACK_COMPLETE' : 'CREATE_COMPLETE');
        expect(world.things.size).toBe(failed ? 0 : Object.keys(one.kinds).length);
        expect(isInProgress(world.state.status)).toBe(false);
      }),
    );
  });

  it('is as the template says after an update, or as it was before it', () => {
    fc.assert(
      fc.property(
        shape,
        shape,
        fc.option(fc.constantFrom(...ids)),
        fc.infiniteStream(fc.nat()),
        (one, two, victim, order) => {
          const choose = (count: number): number => (order.next().value as number) % count;
          let armed = false;
          const world = new World((effect) => {
            if (!armed || effect.type === 'Wake' || effect.type === 'DeleteResource' || effect.logicalId !== victim)
              return false;
            armed = false;
            return true;
          });
          world.submit(create(configured(one)));
          world.run(choose);
          const before = [...world.things].toSorted();
          armed = true;
          world.submit(update(configured(two)));
          world.run(choose);
          const wanted = Object.values(configured(two).plan.resources).map(({ properties }) =>
            JSON.stringify(properties),
          );
          if (armed) {
            expect(world.state.status).toBe('UPDATE_COMPLETE');
            expect([...world.things.values()].map((each) => JSON.stringify(each)).toSorted()).toEqual(
              wanted.toSorted(),
            );
          } else {
            expect(world.state.status).toBe('UPDATE_ROLLBACK_COMPLETE');
            expect([...world.things].toSorted()).toEqual(before);
          }
          expect(world.woken).toBe(2);
        },
      ),
    );
  });
});
