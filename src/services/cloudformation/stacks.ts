/** Stacks: made, changed and deleted. Source: CloudFormation API Reference, CreateStack, UpdateStack, DeleteStack, ValidateTemplate. */
import type {
  CreateStackInput,
  CreateStackOutput,
  DeleteStackInput,
  UpdateStackInput,
  UpdateStackOutput,
  ValidateTemplateInput,
  ValidateTemplateOutput,
} from '@aws-sdk/client-cloudformation';
import { AwsError } from '../../common/index.ts';
import { isInProgress } from '../../core/cloudformation-stack/index.ts';
import { capabilitiesNeeded, isSame } from '../../core/cloudformation-template/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { stackAccess } from './access.ts';
import { configure, template } from './configuration.ts';
import {
  findStack,
  invalid,
  keyOf,
  pick,
  refuse,
  requireStack,
  type Stack,
  STACK_KIND,
  stackArn,
  type StackConfiguration,
  stackKey,
  stackNames,
  stacks,
} from './records.ts';
import { stackClient } from './role-sessions.ts';
import { templateBody } from './template-file.ts';

export const createStack = operation<CreateStackInput, CreateStackOutput>({
  authorize: (input, call) => stackAccess(call, 'CreateStack', input),
  async handle(input, call) {
    refuseAbsent(input);
    if (input.DisableRollback !== undefined && input.OnFailure !== undefined)
      throw invalid('Only one of DisableRollback or OnFailure can be specified.');
    const { StackName: stackName = '', ClientRequestToken: clientRequestToken } = input;
    const before = await findStack(call.house.store, call, stackName);
    if (before !== undefined) {
      if (clientRequestToken !== undefined && before.operations === 1 && tokenOf(before) === clientRequestToken)
        return { StackId: before.stackId };
      throw taken(stackName);
    }
    const { id, stack } = newStack(call, stackName);
    const target = await configure(call, stack, input, 1);
    await stackClient(call.house, pick(call), stack.stackId, target, true);
    const onFailure = input.OnFailure ?? (input.DisableRollback === true ? 'DO_NOTHING' : 'ROLLBACK');
    await call.house.store.transaction(async (tx) => {
      await placeStack(tx, call, id, stack);
      await call.house.engine.submitIn(tx, STACK_KIND, stackKey(call, id), {
        type: 'CreateRequested',
        target,
        onFailure,
        ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
      });
    });
    return { StackId: stack.stackId };
  },
});

/** A stack before its first operation. */
export function newStack(call: Call, stackName: string): Readonly<{ id: string; stack: Stack }> {
  const id = call.house.ids.uuid();
  const stack: Stack = {
    stackId: stackArn(call, stackName, id),
    stackName,
    status: 'REVIEW_IN_PROGRESS',
    createdAt: call.now,
    operations: 0,
    resources: {},
    outputs: {},
    events: [],
  };
  return { id, stack };
}

/** Gives the stack its name; throws AlreadyExistsException. */
export async function placeStack(tx: Tx, call: Call, id: string, stack: Stack): Promise<void> {
  const nameKey = { ...pick(call), id: stack.stackName };
  if (!(await stackNames.insert(tx, nameKey, { id }))) {
    const held = (await stackNames.getForUpdate(tx, nameKey))?.document;
    const other = held && (await stacks.get(tx, stackKey(call, held.id)))?.document;
    if (other !== undefined && other.status !== 'DELETE_COMPLETE') throw taken(stack.stackName);
    await stackNames.update(tx, nameKey, { id });
  }
  await call.house.engine.create(tx, STACK_KIND, stackKey(call, id), stack, [], { parent: stack.stackName, sort: id });
}

function taken(stackName: string): AwsError {
  return new AwsError('AlreadyExistsException', `Stack [${stackName}] already exists`, { statusCode: 400 });
}

export const updateStack = operation<UpdateStackInput, UpdateStackOutput>({
  authorize: (input, call) => stackAccess(call, 'UpdateStack', input),
  async handle(input, call) {
    refuseAbsent(input);
    const { ClientRequestToken: clientRequestToken } = input;
    const stack = await requireStack(call.house.store, call, input.StackName ?? '');
    if (clientRequestToken !== undefined && tokenOf(stack) === clientRequestToken) return { StackId: stack.stackId };
    checkUpdatable(stack);
    const target = await configure(call, stack, input, stack.operations + 1);
    if (stack.current !== undefined && isUnchanged(stack.current, target) && stack.status !== 'UPDATE_FAILED')
      throw invalid('No updates are to be performed.');
    await stackClient(call.house, pick(call), stack.stackId, target, true);
    await submitUpdate(
      call,
      stack,
      target,
      input.DisableRollback === true ? 'DO_NOTHING' : 'ROLLBACK',
      clientRequestToken,
    );
    return { StackId: stack.stackId };
  },
});

/** Throws ValidationError where the stack went on meanwhile. */
export async function submitUpdate(
  call: Call,
  stack: Stack,
  target: StackConfiguration,
  onFailure: 'ROLLBACK' | 'DO_NOTHING',
  clientRequestToken: string | undefined,
): Promise<void> {
  await call.house.store.transaction(async (tx) => {
    const now = (await stacks.getForUpdate(tx, keyOf(call, stack)))?.document;
    if (now === undefined) throw invalid(`Stack with id ${stack.stackId} does not exist`);
    if (now.operations !== stack.operations)
      throw invalid(`Stack:${stack.stackId} is in ${now.status} state and can not be updated.`);
    checkUpdatable(now);
    await call.house.engine.submitIn(tx, STACK_KIND, keyOf(call, stack), {
      type: 'UpdateRequested',
      target,
      onFailure,
      ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
    });
  });
}

const UPDATABLE = new Set([
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE',
  'CREATE_FAILED',
  'UPDATE_FAILED',
]);

export function checkUpdatable({ stackId, status }: Stack): void {
  if (!UPDATABLE.has(status)) throw invalid(`Stack:${stackId} is in ${status} state and can not be updated.`);
}

export function isUnchanged(current: StackConfiguration, target: StackConfiguration): boolean {
  const { plan } = current;
  return isSame(plan as never, target.plan as never) && isSame(current.tags, target.tags);
}

export const deleteStack = operation<DeleteStackInput, object>({
  authorize: (input, call) => stackAccess(call, 'DeleteStack', input),
  async handle(input, call) {
    if (input.DeletionMode !== undefined && input.DeletionMode !== 'STANDARD')
      throw refuse('DeletionMode FORCE_DELETE_STACK');
    const { house } = call;
    const stack = await findStack(house.store, call, input.StackName ?? '');
    if (stack === undefined || stack.status === 'DELETE_COMPLETE' || stack.status === 'DELETE_IN_PROGRESS') return {};
    const retain = input.RetainResources ?? [];
    if (retain.length > 0 && stack.status !== 'DELETE_FAILED')
      throw invalid(
        'Invalid operation on stack [' +
          stack.stackId +
          ']. RetainResources can only be specified for a stack in DELETE_FAILED state',
      );
    if (isInProgress(stack.status))
      throw invalid(`Stack [${stack.stackId}] cannot be deleted while in status ${stack.status}`);
    const before = stack.latest ?? stack.current;
    const roleArn = input.RoleARN ?? before?.roleArn;
    const { roleArn: _before, ...others } = before ?? {};
    const latest =
      before &&
      ({ ...others, caller: call.principal, ...(roleArn === undefined ? {} : { roleArn }) } as StackConfiguration);
    if (latest !== undefined) await stackClient(house, pick(call), stack.stackId, latest, true);
    const { ClientRequestToken: clientRequestToken } = input;
    await house.engine.submit(STACK_KIND, keyOf(call, stack), {
      type: 'DeleteRequested',
      retain,
      ...(latest === undefined ? {} : { latest }),
      ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
    });
    return {};
  },
});

export const validateTemplate = operation<ValidateTemplateInput, ValidateTemplateOutput>({
  authorize: (input) => [
    {
      action: 'cloudformation:ValidateTemplate',
      resource: '*',
      ...(input.TemplateURL === undefined ? {} : { context: { 'cloudformation:TemplateUrl': input.TemplateURL } }),
    },
  ],
  async handle(input, call) {
    const read = template(await templateBody(call, input));
    const needed = capabilitiesNeeded(read);
    const because = Object.entries(read.resources).filter(([, { type }]) => type.startsWith('AWS::IAM::'));
    return {
      ...(read.description === undefined ? {} : { Description: read.description }),
      Parameters: Object.entries(read.parameters).map(([ParameterKey, { noEcho, description, ...declared }]) => ({
        ParameterKey,
        NoEcho: noEcho,
        ...(declared.default === undefined ? {} : { DefaultValue: declared.default }),
        ...(description === undefined ? {} : { Description: description }),
      })),
      ...(needed.length === 0
        ? {}
        : {
            Capabilities: [...needed],
            CapabilitiesReason: `The following resource(s) require capabilities: [${[...new Set(because.map(([, { type }]) => type))].join(', ')}]`,
          }),
    };
  },
});

/** Of the operation that the stack is in, or came out of. */
function tokenOf({ operation: underway, events }: Stack): string | undefined {
  return underway?.clientRequestToken ?? events.at(-1)?.clientRequestToken;
}

type Absent = Partial<CreateStackInput & UpdateStackInput>;

/** What would change what happens, and is not there. */
export function refuseAbsent(input: Absent): void {
  const filled = (value: readonly unknown[] | undefined): boolean => (value?.length ?? 0) > 0;
  if (filled(input.RollbackConfiguration?.RollbackTriggers)) throw refuse('RollbackConfiguration');
  if (input.TimeoutInMinutes !== undefined) throw refuse('TimeoutInMinutes');
  if (filled(input.NotificationARNs)) throw refuse('NotificationARNs');
  if (filled(input.ResourceTypes)) throw refuse('ResourceTypes');
  if (input.EnableTerminationProtection === true) throw refuse('EnableTerminationProtection');
  if (input.RetainExceptOnCreate === true) throw refuse('RetainExceptOnCreate');
  const policy = [
    input.StackPolicyBody,
    input.StackPolicyURL,
    input.StackPolicyDuringUpdateBody,
    input.StackPolicyDuringUpdateURL,
  ];
  if (policy.some((each) => each !== undefined)) throw refuse('A stack policy');
}
