/**
 * A stack: its resources are made, changed and deleted in the order in which they depend on each other, those that do not
 * depend on each other side by side.
 *
 *   Create   Forward ── all made ──▶ CREATE_COMPLETE
 *               └─ one failed ─▶ Rollback: delete what was made ─▶ ROLLBACK_COMPLETE | ROLLBACK_FAILED
 *   Update   Forward ── all done ──▶ Cleanup: delete what was replaced or left out ─▶ UPDATE_COMPLETE
 *               └─ one failed ─▶ Rollback: put back what was changed ─▶ RollbackCleanup: delete what was made
 *                                   └─ one failed ─▶ UPDATE_ROLLBACK_FAILED       ─▶ UPDATE_ROLLBACK_COMPLETE
 *   Delete   Delete, in the opposite order ─▶ DELETE_COMPLETE (final) | DELETE_FAILED
 *
 * A failure starts nothing more in its phase; what runs is waited for. A resource whose properties come out as they were
 * is left alone. Results carry the task they belong to: late and repeated ones change nothing.
 * Differs from AWS: resources under way when another fails are waited for; they are not cancelled.
 * Source: CloudFormation User Guide, "Stack status codes", "Update behaviors of stack resources".
 */
import { assert, type Decision, type EpochMs, type Json, type JsonObject } from '../../common/index.ts';
import { attempt, evaluate, isObject, isSame, type PlannedResource } from '../cloudformation-template/index.ts';
import { StackDraft } from './draft.ts';
import {
  type Configuration,
  type Operation,
  type Phase,
  type StackEffect,
  type StackEvent,
  type StackResource,
  type StackState,
  type StackStatus,
  type Task,
} from './stack.ts';

export function decide<C extends Configuration>(
  state: StackState<C>,
  event: StackEvent<C>,
  now: EpochMs,
): Decision<StackState<C>, StackEffect> {
  if (state.status === 'DELETE_COMPLETE') return { state, effects: [] };
  const turn = new Turn<C>(state, now);
  switch (event.type) {
    case 'CreateRequested':
    case 'UpdateRequested':
      if (state.operation !== undefined) return { state, effects: [] };
      turn.begin(event);
      break;
    case 'DeleteRequested':
      if (state.operation !== undefined) return { state, effects: [] };
      turn.beginDelete(event);
      break;
    case 'ResourceApplied':
    case 'ResourceDeleted':
    case 'ResourceFailed': {
      const task = state.operation?.tasks.find(({ id }) => id === event.task);
      if (task?.status !== 'Running') return { state, effects: [] };
      turn.finish(task, event);
      break;
    }
    default:
      return { state, effects: [] };
  }
  turn.goOn();
  return { state: turn.state, effects: turn.effects };
}

/** What one event makes of the stack. */
class Turn<C extends Configuration> extends StackDraft<C> {
  begin(event: Extract<StackEvent<C>, { type: 'CreateRequested' | 'UpdateRequested' }>): void {
    const create = event.type === 'CreateRequested';
    this.#start(
      { kind: create ? 'Create' : 'Update', target: event.target, onFailure: event.onFailure },
      event.clientRequestToken,
    );
    this.state = { ...this.state, latest: event.target, ...(create ? {} : { updatedAt: this.now }) };
    this.stand(create ? 'CREATE_IN_PROGRESS' : 'UPDATE_IN_PROGRESS', 'User Initiated');
    const { resources } = event.target.plan;
    this.#phase(
      'Forward',
      Object.entries(resources).map(([logicalId, { dependsOn }]) => ({ kind: 'Apply', logicalId, after: dependsOn })),
    );
  }

  beginDelete({ retain, latest, clientRequestToken }: Extract<StackEvent<C>, { type: 'DeleteRequested' }>): void {
    if (latest !== undefined) this.state = { ...this.state, latest };
    this.#start({ kind: 'Delete', onFailure: 'DO_NOTHING' }, clientRequestToken);
    this.stand('DELETE_IN_PROGRESS', 'User Initiated');
    this.#deleteAll(
      'Delete',
      (resource) => retain.includes(resource.logicalId) || resource.deletionPolicy !== 'Delete',
    );
  }

  #start(
    operation: Pick<Operation<C>, 'kind' | 'onFailure'> & Readonly<{ target?: C }>,
    clientRequestToken: string | undefined,
  ): void {
    const number = this.state.operations + 1;
    const { statusReason: _before, ...rest } = this.state;
    this.state = {
      ...rest,
      operations: number,
      operation: {
        ...operation,
        number,
        phase: 'Forward',
        tasks: [],
        before: this.state.resources,
        replaced: [],
        ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
      },
    };
  }

  /** `after` names logical ids; in a phase every logical id has one task, but for a cleanup. */
  #phase(phase: Phase, tasks: readonly Pick<Task, 'kind' | 'logicalId' | 'after' | 'target' | 'skip'>[]): void {
    const { number } = this.operation;
    const idOf = ({ logicalId, target }: Pick<Task, 'logicalId' | 'target'>): string =>
      `${number}/${phase}/${logicalId}${target === undefined ? '' : `/${target.generation}`}`;
    const ids = new Map<string, string[]>();
    for (const task of tasks) ids.set(task.logicalId, [...(ids.get(task.logicalId) ?? []), idOf(task)]);
    this.set({
      phase,
      tasks: tasks.map((task) => ({
        ...task,
        id: idOf(task),
        after: task.after.filter((each) => each !== task.logicalId).flatMap((each) => ids.get(each) ?? []),
        status: 'Waiting',
      })),
    });
  }

  /** Deletes what the stack has, dependents first. */
  #deleteAll(phase: Phase, isKept: (resource: StackResource) => boolean): void {
    this.#deletes(phase, Object.values(this.state.resources), isKept);
  }

  #deletes(phase: Phase, resources: readonly StackResource[], isKept: (resource: StackResource) => boolean): void {
    const there = resources.filter((resource) => isThere(resource) && !this.#isStillUsed(resource));
    this.#phase(
      phase,
      there.map((target) => ({
        kind: 'Delete',
        logicalId: target.logicalId,
        after: there.filter((each) => each.dependsOn.includes(target.logicalId)).map((each) => each.logicalId),
        target,
        skip: isKept(target),
      })),
    );
  }

  /** A new version that turned out to be the old one: deleting the one would take away the other. */
  #isStillUsed({ logicalId, generation, type, physicalId }: StackResource): boolean {
    const standing = this.state.resources[logicalId];
    return (
      standing !== undefined &&
      standing.generation !== generation &&
      standing.type === type &&
      standing.physicalId === physicalId
    );
  }

  finish(
    task: Task,
    event: Extract<StackEvent, { type: 'ResourceApplied' | 'ResourceDeleted' | 'ResourceFailed' }>,
  ): void {
    switch (event.type) {
      case 'ResourceApplied':
        this.#applied(task, event.physicalId, event.attributes);
        break;
      case 'ResourceDeleted':
        this.#deleted(task, 'DELETE_COMPLETE');
        break;
      default:
        this.#failed(task, event.reason, event.physicalId);
    }
  }

  #applied(task: Task, physicalId: string, attributes: StackResource['attributes']): void {
    const resource = this.resource(task.logicalId);
    const made: StackResource = { ...resource, physicalId, attributes };
    if (resource.physicalId === undefined) {
      this.put({ ...made, reason: 'Resource creation Initiated' });
      this.tell(made.logicalId);
    }
    const { reason: _before, ...plain } = made;
    this.put({
      ...plain,
      status: resource.status === 'UPDATE_IN_PROGRESS' ? 'UPDATE_COMPLETE' : 'CREATE_COMPLETE',
      updatedAt: this.now,
    });
    this.tell(task.logicalId);
    this.mark(task, 'Done');
  }

  #deleted(task: Task, status: 'DELETE_COMPLETE' | 'DELETE_SKIPPED'): void {
    assert(task.target !== undefined, 'a delete has a target');
    this.event({ ...task.target, status, updatedAt: this.now });
    const standing = this.state.resources[task.logicalId];
    if (standing?.generation === task.target.generation) {
      if (this.operation.kind === 'Update') this.drop(task.logicalId);
      else this.put({ ...withoutReason(standing), status, updatedAt: this.now });
    }
    this.mark(task, 'Done');
  }

  #failed(task: Task, reason: string, physicalId?: string): void {
    if (task.kind === 'Delete') {
      assert(task.target !== undefined, 'a delete has a target');
      this.event({ ...task.target, status: 'DELETE_FAILED', reason, updatedAt: this.now });
      const standing = this.state.resources[task.logicalId];
      if (standing?.generation === task.target.generation) {
        // Of an update nothing waits for it: what could not be deleted is no longer the stack's.
        if (this.operation.kind === 'Update') this.drop(task.logicalId);
        else this.put({ ...standing, status: 'DELETE_FAILED', reason, updatedAt: this.now });
      }
      this.mark(task, 'Failed');
      return;
    }
    const resource = this.resource(task.logicalId);
    const status = resource.status === 'UPDATE_IN_PROGRESS' ? 'UPDATE_FAILED' : 'CREATE_FAILED';
    this.put({
      ...resource,
      status,
      reason,
      updatedAt: this.now,
      ...(physicalId === undefined ? {} : { physicalId }),
    });
    this.tell(task.logicalId);
    this.mark(task, 'Failed');
  }

  /** Starts what can be started; when nothing runs any more, goes to what comes next, until something runs or all is done. */
  goOn(): void {
    while (this.state.operation !== undefined) {
      this.#startReady();
      if (this.operation.tasks.some(({ status }) => status === 'Running')) return;
      this.#next();
    }
  }

  #startReady(): void {
    for (;;) {
      const { tasks, phase } = this.operation;
      const failed = tasks.some(({ status }) => status === 'Failed');
      const lenient = phase === 'Cleanup' || phase === 'RollbackCleanup';
      const over = new Set(
        tasks.filter(({ status }) => status === 'Done' || (lenient && status === 'Failed')).map(({ id }) => id),
      );
      const ready = tasks.filter(({ status, after }) => status === 'Waiting' && after.every((each) => over.has(each)));
      // A delete that failed keeps what it depends on; the others go on. Everything else stops at a failure.
      const stopped =
        failed &&
        (phase === 'Forward' || phase === 'Rollback') &&
        this.operation.tasks.some(({ kind }) => kind !== 'Delete');
      if (ready.length === 0 || stopped) return;
      for (const task of ready) this.#run(task);
    }
  }

  #run(task: Task): void {
    switch (task.kind) {
      case 'Delete':
        this.#delete(task);
        break;
      case 'Restore':
        this.#restore(task);
        break;
      default:
        this.#apply(task);
    }
  }

  #delete(task: Task): void {
    const { target } = task;
    assert(target?.physicalId !== undefined, 'a delete has something to delete');
    if (task.skip === true) {
      this.#deleted(task, 'DELETE_SKIPPED');
      return;
    }
    this.event({ ...withoutReason(target), status: 'DELETE_IN_PROGRESS', updatedAt: this.now });
    const standing = this.state.resources[task.logicalId];
    if (standing?.generation === target.generation)
      this.put({ ...withoutReason(standing), status: 'DELETE_IN_PROGRESS', updatedAt: this.now });
    this.mark(task, 'Running');
    this.effects.push({
      type: 'DeleteResource',
      ...onResource(task, target),
      physicalId: target.physicalId,
      properties: target.applied,
    });
  }

  #apply(task: Task): void {
    const planned = this.operation.target?.plan.resources[task.logicalId];
    assert(planned !== undefined, 'what is applied is planned');
    const evaluated = attempt(() => evaluate(planned.properties, this.names()) ?? {});
    const standing = this.state.resources[task.logicalId];
    if (evaluated.fault !== undefined || !isObject(evaluated.value)) {
      this.put({
        ...(standing ?? this.#fresh(task.logicalId, planned, {}, 1)),
        status: standing?.physicalId === undefined ? 'CREATE_IN_PROGRESS' : 'UPDATE_IN_PROGRESS',
      });
      this.#failed(task, evaluated.fault ?? 'Properties must be an object');
      return;
    }
    const properties = evaluated.value;
    if (standing?.physicalId === undefined || standing.type !== planned.type) {
      this.#create(task, planned, properties, standing);
      return;
    }
    const { dependsOn, deletionPolicy } = planned;
    const refreshed: StackResource = { ...standing, dependsOn, deletionPolicy };
    const failedBefore = standing.status === 'UPDATE_FAILED' || standing.status === 'CREATE_FAILED';
    if (isSame(standing.applied, properties) && !failedBefore) {
      this.put(refreshed);
      this.mark(task, 'Done');
      return;
    }
    const rules = this.operation.target?.rules[planned.type];
    if (changed(standing.applied, properties).some((key) => rules?.replaceOn.includes(key) === true)) {
      this.#replace(task, planned, properties, standing, rules?.nameProperty);
      return;
    }
    const { reason: _before, ...plain } = refreshed;
    this.put({ ...plain, applied: properties, status: 'UPDATE_IN_PROGRESS', updatedAt: this.now });
    this.#update(task, properties, standing);
  }

  #update(task: Task, properties: JsonObject, standing: StackResource): void {
    this.tell(task.logicalId);
    this.mark(task, 'Running');
    this.effects.push({
      type: 'UpdateResource',
      ...onResource(task, standing),
      physicalId: standing.physicalId ?? '',
      properties,
      before: standing.applied,
    });
  }

  #create(task: Task, planned: PlannedResource, properties: JsonObject, standing: StackResource | undefined): void {
    if (standing?.physicalId !== undefined) this.set({ replaced: [...this.operation.replaced, standing] });
    const resource = this.#fresh(task.logicalId, planned, properties, (standing?.generation ?? 0) + 1);
    this.put(resource);
    this.tell(task.logicalId);
    this.mark(task, 'Running');
    this.effects.push({ type: 'CreateResource', ...onResource(task, resource), properties });
  }

  #replace(
    task: Task,
    planned: PlannedResource,
    properties: JsonObject,
    standing: StackResource,
    nameProperty: string | undefined,
  ): void {
    const name = nameProperty === undefined ? undefined : properties[nameProperty];
    if (nameProperty !== undefined && name !== undefined && isSame(name, standing.applied[nameProperty])) {
      this.put({ ...standing, status: 'UPDATE_IN_PROGRESS' });
      this.#failed(
        task,
        `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${String(name)} and update the stack again.`,
      );
      return;
    }
    this.put({
      ...standing,
      status: 'UPDATE_IN_PROGRESS',
      reason: 'Requested update requires the creation of a new physical resource; hence creating one.',
      updatedAt: this.now,
    });
    this.tell(task.logicalId);
    this.#create(task, planned, properties, standing);
  }

  #fresh(logicalId: string, planned: PlannedResource, applied: JsonObject, generation: number): StackResource {
    const { type, dependsOn, deletionPolicy } = planned;
    const status =
      Object.hasOwn(this.operation.before, logicalId) && generation > 1 ? 'UPDATE_IN_PROGRESS' : 'CREATE_IN_PROGRESS';
    return {
      logicalId,
      type,
      generation,
      attributes: {},
      applied,
      dependsOn,
      deletionPolicy,
      status,
      updatedAt: this.now,
    };
  }

  /** Puts a resource back as it was before the update. */
  #restore(task: Task): void {
    const before = this.operation.before[task.logicalId];
    const standing = this.state.resources[task.logicalId];
    assert(before !== undefined && standing !== undefined, 'what is put back was there');
    const untouched = standing.status !== 'UPDATE_FAILED' && isSame(standing.applied, before.applied);
    if (standing.generation !== before.generation) {
      if (standing.physicalId !== undefined)
        this.set({
          replaced: [
            ...this.operation.replaced.filter(
              (each) => each.generation !== before.generation || each.logicalId !== before.logicalId,
            ),
            standing,
          ],
        });
      this.put({ ...before, status: 'UPDATE_COMPLETE', updatedAt: this.now });
      this.tell(task.logicalId);
      this.mark(task, 'Done');
      return;
    }
    if (untouched) {
      this.put(before);
      this.mark(task, 'Done');
      return;
    }
    const { reason: _reason, ...plain } = before;
    this.put({ ...plain, status: 'UPDATE_IN_PROGRESS', updatedAt: this.now });
    this.#update(task, before.applied, standing);
  }

  #next(): void {
    const { kind, phase, tasks } = this.operation;
    const failed = tasks.filter(({ status }) => status === 'Failed').map(({ logicalId }) => logicalId);
    switch (phase) {
      case 'Forward':
        if (failed.length === 0) this.#forwardDone();
        else this.#giveUp(failed);
        return;
      case 'Cleanup':
        this.#end('UPDATE_COMPLETE');
        return;
      case 'Rollback':
        if (kind === 'Create') {
          this.#end(
            failed.length === 0 ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED',
            failed.length === 0
              ? this.state.statusReason
              : `The following resource(s) failed to delete: [${failed.join(', ')}]. `,
          );
          return;
        }
        if (failed.length > 0) {
          this.#end('UPDATE_ROLLBACK_FAILED', `The following resource(s) failed to update: [${failed.join(', ')}]. `);
          return;
        }
        this.#rollbackCleanup();
        return;
      case 'RollbackCleanup':
        this.#end('UPDATE_ROLLBACK_COMPLETE', this.state.statusReason);
        return;
      default:
        if (failed.length > 0)
          this.#end('DELETE_FAILED', `The following resource(s) failed to delete: [${failed.join(', ')}]. `);
        else this.#end('DELETE_COMPLETE');
    }
  }

  #forwardDone(): void {
    const { kind, target, replaced } = this.operation;
    assert(target !== undefined, 'what goes forward has a target');
    const found = attempt(() =>
      Object.fromEntries(
        Object.entries(target.plan.outputs).map(([name, { value }]) => [name, evaluate(value, this.names()) ?? '']),
      ),
    );
    const wrong = found.fault ?? Object.entries(found.value).find(([, value]) => typeof value === 'object')?.[0];
    if (wrong !== undefined || found.value === undefined) {
      this.#giveUp(
        [],
        found.fault ??
          `Template format error: Output ${wrong} is malformed. The Value field of every Outputs member must evaluate to a String.`,
      );
      return;
    }
    this.state = {
      ...this.state,
      current: target,
      outputs: Object.fromEntries(Object.entries(found.value).map(([name, value]) => [name, String(value)])),
    };
    if (kind === 'Create') {
      this.#end('CREATE_COMPLETE');
      return;
    }
    this.stand('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    const planned = target.plan.resources;
    const left = Object.values(this.state.resources).filter(({ logicalId }) => !Object.hasOwn(planned, logicalId));
    for (const { logicalId } of left.filter(({ physicalId }) => physicalId === undefined)) this.drop(logicalId);
    this.#deletes('Cleanup', [...replaced, ...left], (resource) => {
      const standing = planned[resource.logicalId];
      return standing === undefined
        ? resource.deletionPolicy === 'Retain' || resource.deletionPolicy === 'RetainExceptOnCreate'
        : standing.updateReplacePolicy === 'Retain';
    });
  }

  #giveUp(failed: readonly string[], fault?: string): void {
    const { kind, onFailure } = this.operation;
    const creating = kind === 'Create' ? 'create' : 'create or update';
    const what =
      fault ?? `The following resource(s) failed to ${this.#verb(failed, creating)}: [${failed.join(', ')}]. `;
    if (onFailure === 'DO_NOTHING') {
      this.#end(kind === 'Create' ? 'CREATE_FAILED' : 'UPDATE_FAILED', what);
      return;
    }
    if (kind === 'Create') {
      if (onFailure === 'DELETE') {
        this.stand('DELETE_IN_PROGRESS', `${what}Delete requested by user.`);
        this.#deleteAll('Delete', ({ deletionPolicy }) => deletionPolicy === 'Retain');
        return;
      }
      this.stand('ROLLBACK_IN_PROGRESS', `${what}Rollback requested by user.`);
      this.#deleteAll('Rollback', ({ deletionPolicy }) => deletionPolicy === 'Retain');
      return;
    }
    this.stand('UPDATE_ROLLBACK_IN_PROGRESS', what);
    this.#phase(
      'Rollback',
      Object.values(this.operation.before)
        .filter(({ logicalId }) => Object.hasOwn(this.state.resources, logicalId))
        .map(({ logicalId, dependsOn }) => ({ kind: 'Restore', logicalId, after: dependsOn })),
    );
  }

  #verb(failed: readonly string[], otherwise: string): string {
    const statuses = new Set(failed.map((logicalId) => this.state.resources[logicalId]?.status));
    if (statuses.size > 1) return otherwise;
    return statuses.has('UPDATE_FAILED') ? 'update' : 'create';
  }

  #rollbackCleanup(): void {
    const { before, replaced } = this.operation;
    const standing = (resource: StackResource): boolean => {
      const kept = before[resource.logicalId];
      return kept !== undefined && kept.generation === resource.generation;
    };
    const added = Object.values(this.state.resources).filter(({ logicalId }) => !Object.hasOwn(before, logicalId));
    this.stand('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', this.state.statusReason);
    for (const { logicalId } of added.filter(({ physicalId }) => physicalId === undefined)) this.drop(logicalId);
    this.#deletes('RollbackCleanup', [...replaced.filter((each) => !standing(each)), ...added], () => false);
  }

  #end(status: StackStatus, reason?: string): void {
    this.stand(status, reason);
    const { operation: _over, ...rest } = this.state;
    this.state = rest;
    if (status === 'DELETE_COMPLETE') this.state = { ...this.state, deletedAt: this.now };
    this.effects.push({ type: 'Wake', wakeKey: this.state.stackId });
  }
}

function onResource(task: Task, { logicalId, type, generation }: StackResource) {
  return { lane: logicalId, task: task.id, logicalId, resourceType: type, generation };
}

function isThere({ physicalId, status }: StackResource): boolean {
  return physicalId !== undefined && status !== 'DELETE_COMPLETE' && status !== 'DELETE_SKIPPED';
}

function withoutReason({ reason: _reason, ...resource }: StackResource): StackResource {
  return resource;
}

/** The members that are not the same. */
export function changed(before: JsonObject, after: JsonObject): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.filter((key) => !isSame(before[key] as Json | undefined, after[key] as Json | undefined));
}
