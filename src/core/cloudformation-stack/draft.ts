/**
 * A stack being changed by one event: a working copy of its state, and the effects so far. It knows how to change a member
 * and to tell of it; what is to change, and in which order, is `decide.ts`.
 */
import { assert, type EpochMs } from '../../common/index.ts';
import type { Names } from '../cloudformation-template/index.ts';
import {
  type Configuration,
  MOST_EVENTS,
  type Operation,
  type ResourceStatus,
  type StackEffect,
  type StackEventRecord,
  type StackResource,
  type StackState,
  type StackStatus,
  type Task,
} from './stack.ts';

export class StackDraft<C extends Configuration> {
  state: StackState<C>;
  readonly effects: StackEffect[] = [];
  protected readonly now: EpochMs;

  constructor(state: StackState<C>, now: EpochMs) {
    this.state = state;
    this.now = now;
  }

  protected get operation(): Operation<C> {
    assert(this.state.operation !== undefined, 'an operation is under way');
    return this.state.operation;
  }

  protected stand(status: StackStatus, reason?: string): void {
    const { statusReason: _before, ...rest } = this.state;
    this.state = { ...rest, status, ...(reason === undefined ? {} : { statusReason: reason }) };
    this.#append({
      logicalId: this.state.stackName,
      physicalId: this.state.stackId,
      type: 'AWS::CloudFormation::Stack',
      status,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  protected names(): Names {
    const { resources } = this.state;
    const found = (name: string): StackResource | undefined =>
      Object.hasOwn(resources, name) ? resources[name] : undefined;
    return {
      ref: (name) => found(name)?.physicalId,
      attribute: (name, attribute) => found(name)?.attributes[attribute],
    };
  }

  protected resource(logicalId: string): StackResource {
    const resource = this.state.resources[logicalId];
    assert(resource !== undefined, `the stack has ${logicalId}`);
    return resource;
  }

  protected put(resource: StackResource): void {
    this.state = { ...this.state, resources: { ...this.state.resources, [resource.logicalId]: resource } };
  }

  protected drop(logicalId: string): void {
    const { [logicalId]: _gone, ...resources } = this.state.resources;
    this.state = { ...this.state, resources };
  }

  protected set(members: Partial<Operation<C>>): void {
    this.state = { ...this.state, operation: { ...this.operation, ...members } };
  }

  protected mark(task: Task, status: Task['status']): void {
    this.set({ tasks: this.operation.tasks.map((each) => (each.id === task.id ? { ...each, status } : each)) });
  }

  /** The event of a resource as it now is. */
  protected tell(logicalId: string): void {
    this.event(this.resource(logicalId));
  }

  protected event({ logicalId, physicalId = '', type, status, reason, applied }: StackResource): void {
    this.#append({
      logicalId,
      physicalId,
      type,
      status: status satisfies ResourceStatus,
      ...(reason === undefined ? {} : { reason }),
      properties: applied,
    });
  }

  #append(event: Omit<StackEventRecord, 'number' | 'at' | 'clientRequestToken'>): void {
    const { events, operation } = this.state;
    const token = operation?.clientRequestToken;
    const number = (events.at(-1)?.number ?? 0) + 1;
    const next: StackEventRecord = {
      ...event,
      number,
      at: this.now,
      ...(token === undefined ? {} : { clientRequestToken: token }),
    };
    this.state = { ...this.state, events: [...events, next].slice(-MOST_EVENTS) };
  }
}
