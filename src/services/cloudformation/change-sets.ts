/**
 * Change sets: what an operation would do, said before it is done. They are made at once, as the stack then is; when
 * another operation goes before, a change set is obsolete.
 * Source: CloudFormation API Reference, CreateChangeSet, DescribeChangeSet, ExecuteChangeSet.
 */
import type {
  Change,
  CreateChangeSetInput,
  CreateChangeSetOutput,
  DeleteChangeSetInput,
  DescribeChangeSetInput,
  DescribeChangeSetOutput,
  ExecuteChangeSetInput,
  ListChangeSetsInput,
  ListChangeSetsOutput,
} from '@aws-sdk/client-cloudformation';
import { AwsError } from '../../common/index.ts';
import { isInProgress, planChanges } from '../../core/cloudformation-stack/index.ts';
import { decodePage, decodeToken, encodePage, encodeToken } from '../pages.ts';
import { operation } from '../service.ts';
import { stackAccess } from './access.ts';
import { findChangeSet, requireChangeSet } from './change-set-records.ts';
import { configure } from './configuration.ts';
import {
  type ChangeSet,
  changeSets,
  findStack,
  invalid,
  keyOf,
  pick,
  refuse,
  requireStack,
  type Stack,
  STACK_KIND,
  stacks,
} from './records.ts';
import { stackClient } from './role-sessions.ts';
import { checkUpdatable, isUnchanged, newStack, placeStack, refuseAbsent } from './stacks.ts';
import { parametersOf, tagsOf } from './views.ts';

const PAGE = 100;
const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";

export const createChangeSet = operation<CreateChangeSetInput, CreateChangeSetOutput>({
  authorize: (input, call) => stackAccess(call, 'CreateChangeSet', input),
  async handle(input, call) {
    refuseAbsent(input);
    const { ChangeSetType: type = 'UPDATE', StackName: stackName = '', ChangeSetName: name = '' } = input;
    if (type === 'IMPORT' || (input.ResourcesToImport?.length ?? 0) > 0 || input.ImportExistingResources === true)
      throw refuse('Importing resources');
    if (input.IncludeNestedStacks === true) throw refuse('IncludeNestedStacks');
    if (input.DeploymentMode !== undefined) throw refuse('DeploymentMode');
    const { house } = call;
    const found = await findStack(house.store, call, stackName);
    const isNew = type === 'CREATE' && found === undefined;
    if (type === 'UPDATE' && found === undefined) throw invalid(`Stack [${stackName}] does not exist`);
    if (type === 'CREATE' && found !== undefined && found.status !== 'REVIEW_IN_PROGRESS')
      throw invalid(`Stack [${stackName}] already exists and cannot be created again with the changeSet [${name}].`);
    if (type === 'UPDATE' && found?.status === 'REVIEW_IN_PROGRESS')
      throw invalid(`Stack [${stackName}] is in REVIEW_IN_PROGRESS state; its change set must be of type CREATE`);
    if (type === 'UPDATE' && found !== undefined) checkUpdatable(found);
    const made = newStack(call, stackName);
    const stack = found ?? made.stack;
    const before = found && (await findChangeSet(house.store, call, name, stack.stackId));
    if (before !== undefined) {
      if (input.ClientToken !== undefined && before.clientToken === input.ClientToken)
        return { Id: before.changeSetId, StackId: stack.stackId };
      throw new AwsError('AlreadyExistsException', `ChangeSet ${name} cannot be created because it already exists`, {
        statusCode: 400,
      });
    }
    const target = await configure(call, stack, input, stack.operations + 1);
    await stackClient(house, pick(call), stack.stackId, target, true);
    const id = house.ids.uuid();
    const changes = planChanges(stack, target);
    const empty = stack.current !== undefined && isUnchanged(stack.current, target);
    const changeSet: ChangeSet = {
      changeSetId: `arn:aws:cloudformation:${call.region}:${call.account}:changeSet/${name}/${id}`,
      name,
      stackId: stack.stackId,
      stackName: stack.stackName,
      type: type as 'CREATE' | 'UPDATE',
      createdAt: call.now,
      target,
      changes,
      operations: stack.operations,
      status: empty ? 'FAILED' : 'CREATE_COMPLETE',
      ...(empty ? { statusReason: NO_CHANGES } : {}),
      ...(input.Description === undefined ? {} : { description: input.Description }),
      ...(input.OnStackFailure === undefined ? {} : { onStackFailure: input.OnStackFailure }),
      ...(input.ClientToken === undefined ? {} : { clientToken: input.ClientToken }),
    };
    await house.store.transaction(async (tx) => {
      if (isNew) await placeStack(tx, call, made.id, stack);
      await changeSets.insert(tx, { ...pick(call), id }, changeSet, { parent: stack.stackId, sort: name });
    });
    return { Id: changeSet.changeSetId, StackId: stack.stackId };
  },
});

export const describeChangeSet = operation<DescribeChangeSetInput, DescribeChangeSetOutput>({
  authorize: (input, call) => stackAccess(call, 'DescribeChangeSet', input),
  async handle({ ChangeSetName = '', StackName, NextToken, IncludePropertyValues }, call) {
    if (IncludePropertyValues === true) throw refuse('IncludePropertyValues');
    const changeSet = await requireChangeSet(call.house.store, call, ChangeSetName, StackName);
    const stack = await requireStack(call.house.store, call, changeSet.stackId);
    const { from = 0 } = NextToken === undefined ? {} : decodeToken(NextToken, invalidToken);
    if (typeof from !== 'number') throw invalidToken();
    const page = changeSet.changes.slice(from, from + PAGE);
    const { target, description, statusReason } = changeSet;
    return {
      ...summary(changeSet, stack),
      ...(description === undefined ? {} : { Description: description }),
      ...(statusReason === undefined ? {} : { StatusReason: statusReason }),
      Parameters: parametersOf(target),
      Capabilities: [...target.capabilities] as NonNullable<DescribeChangeSetOutput['Capabilities']>,
      Tags: tagsOf(target),
      NotificationARNs: [],
      RollbackConfiguration: {},
      IncludeNestedStacks: false,
      ...(changeSet.onStackFailure === undefined ? {} : { OnStackFailure: changeSet.onStackFailure }),
      Changes: page.map(changeShape),
      ...(from + PAGE < changeSet.changes.length ? { NextToken: encodeToken({ from: from + PAGE }) } : {}),
    };
  },
});

function changeShape({
  action,
  logicalId,
  physicalId,
  type,
  replacement,
  properties,
}: ChangeSet['changes'][number]): Change {
  return {
    Type: 'Resource',
    ResourceChange: {
      Action: action,
      LogicalResourceId: logicalId,
      ResourceType: type,
      ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
      ...(replacement === undefined ? {} : { Replacement: replacement }),
      Scope: properties.length > 0 ? ['Properties'] : [],
      Details: properties.map((Name) => ({
        Target: { Attribute: 'Properties', Name },
        Evaluation: 'Static',
        ChangeSource: 'DirectModification',
      })),
    },
  };
}

function summary(changeSet: ChangeSet, stack: Stack) {
  return {
    ChangeSetName: changeSet.name,
    ChangeSetId: changeSet.changeSetId,
    StackId: changeSet.stackId,
    StackName: changeSet.stackName,
    CreationTime: new Date(changeSet.createdAt),
    Status: changeSet.status,
    ExecutionStatus: executionStatus(changeSet, stack),
  };
}

function executionStatus(changeSet: ChangeSet, stack: Stack): NonNullable<DescribeChangeSetOutput['ExecutionStatus']> {
  if (changeSet.executedAs !== undefined) {
    if (stack.operation?.number === changeSet.executedAs) return 'EXECUTE_IN_PROGRESS';
    if (stack.operations > changeSet.executedAs) return 'EXECUTE_COMPLETE';
    return /^(CREATE|UPDATE)_COMPLETE$/.test(stack.status) ? 'EXECUTE_COMPLETE' : 'EXECUTE_FAILED';
  }
  if (changeSet.status === 'FAILED') return 'UNAVAILABLE';
  return stack.operations === changeSet.operations ? 'AVAILABLE' : 'OBSOLETE';
}

export const executeChangeSet = operation<ExecuteChangeSetInput, object>({
  authorize: (input, call) => stackAccess(call, 'ExecuteChangeSet', input),
  async handle({ ChangeSetName = '', StackName, ClientRequestToken, DisableRollback, RetainExceptOnCreate }, call) {
    if (RetainExceptOnCreate === true) throw refuse('RetainExceptOnCreate');
    const { house } = call;
    const changeSet = await requireChangeSet(house.store, call, ChangeSetName, StackName);
    const before = await requireStack(house.store, call, changeSet.stackId);
    checkExecutable(changeSet, before);
    // Whoever executes it, makes it: its resources are made as the caller of this call, unless a role makes them.
    const target = { ...changeSet.target, caller: call.principal };
    await stackClient(house, pick(call), changeSet.stackId, target, true);
    await house.store.transaction(async (tx) => {
      const stack = (await stacks.getForUpdate(tx, keyOf(call, changeSet)))?.document;
      if (stack === undefined) throw invalid(`Stack [${changeSet.stackName}] does not exist`);
      checkExecutable(changeSet, stack);
      const others = await changeSets.list(tx, { ...pick(call), parent: changeSet.stackId });
      for (const { key, document } of others) {
        if (document.changeSetId === changeSet.changeSetId)
          await changeSets.update(tx, key, { ...document, executedAs: stack.operations + 1 });
        else await changeSets.delete(tx, key);
      }
      const onFailure = DisableRollback === true ? 'DO_NOTHING' : (changeSet.onStackFailure ?? 'ROLLBACK');
      await house.engine.submitIn(tx, STACK_KIND, keyOf(call, changeSet), {
        type: changeSet.type === 'CREATE' ? 'CreateRequested' : 'UpdateRequested',
        target,
        onFailure: changeSet.type === 'UPDATE' && onFailure === 'DELETE' ? 'ROLLBACK' : onFailure,
        ...(ClientRequestToken === undefined ? {} : { clientRequestToken: ClientRequestToken }),
      });
    });
    return {};
  },
});

function checkExecutable(changeSet: ChangeSet, stack: Stack): void {
  const status = executionStatus(changeSet, stack);
  if (status === 'AVAILABLE' && !isInProgress(stack.status)) return;
  throw new AwsError(
    'InvalidChangeSetStatus',
    `ChangeSet [${changeSet.changeSetId}] cannot be executed in its current status of [${changeSet.status === 'FAILED' ? 'FAILED' : status}]`,
    { statusCode: 400 },
  );
}

export const deleteChangeSet = operation<DeleteChangeSetInput, object>({
  authorize: (input, call) => stackAccess(call, 'DeleteChangeSet', input),
  async handle({ ChangeSetName = '', StackName }, call) {
    const { store } = call.house;
    const found = await findChangeSet(store, call, ChangeSetName, StackName);
    if (found === undefined) return {};
    const stack = await requireStack(store, call, found.stackId);
    if (executionStatus(found, stack) === 'EXECUTE_IN_PROGRESS') {
      throw new AwsError(
        'InvalidChangeSetStatus',
        `An operation on ChangeSet [${found.changeSetId}] is currently in progress.`,
        { statusCode: 400 },
      );
    }
    const id = found.changeSetId.slice(found.changeSetId.lastIndexOf('/') + 1);
    await store.transaction((tx) => changeSets.delete(tx, { ...pick(call), id }));
    return {};
  },
});

export const listChangeSets = operation<ListChangeSetsInput, ListChangeSetsOutput>({
  authorize: (input, call) => stackAccess(call, 'ListChangeSets', input),
  async handle({ StackName = '', NextToken }, call) {
    const stack = await requireStack(call.house.store, call, StackName);
    const after = decodePage(NextToken, invalidToken);
    const stored = await changeSets.list(call.house.store, {
      ...pick(call),
      parent: stack.stackId,
      limit: PAGE + 1,
      ...(after === undefined ? {} : { after }),
    });
    const page = stored.slice(0, PAGE);
    return {
      Summaries: page.map(({ document }) => ({
        ...summary(document, stack),
        ...(document.description === undefined ? {} : { Description: document.description }),
        ...(document.statusReason === undefined ? {} : { StatusReason: document.statusReason }),
      })),
      ...(stored.length > PAGE ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

function invalidToken(): AwsError {
  return invalid('NextToken is not one of a page before.');
}
