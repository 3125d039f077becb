/**
 * Deploy / CloudFormation: makes, changes or deletes a stack, or makes or executes a change set, from a template in an
 * input artifact. The action's role makes the calls and reads the artifacts; `RoleArn` is the role that the stack's
 * resources are made with. What the stack puts out are the action's variables.
 *
 * A second try is harmless: each operation carries a token made of the action execution's id, and an operation with the
 * token of one that is under way, or was the last, is that one.
 * Differs from AWS: a template goes with the call, so it may have 51,200 bytes; CodePipeline hands over an address.
 * Source: User Guide, "AWS CloudFormation deploy action reference".
 */
import { buffer, text as readText } from 'node:stream/consumers';
import type {
  CreateStackOutput,
  DescribeChangeSetOutput,
  DescribeStacksOutput,
  Stack,
} from '@aws-sdk/client-cloudformation';
import { ZipFile } from 'yazl';
import { isAwsError, type Json, SECOND_MS } from '../../../common/index.ts';
import type { Artifact } from '../../../core/pipeline-execution/index.ts';
import type { Client } from '../../service.ts';
import { openZip, UnsafeZipError } from '../artifact-zip.ts';
import { type ActionOutcome, type ActionProvider, type ActionRun, ActionFailure } from './action.ts';

const POLL_AFTER_MS = 10 * SECOND_MS;
const MODES = [
  'CREATE_UPDATE',
  'REPLACE_ON_FAILURE',
  'DELETE_ONLY',
  'CHANGE_SET_REPLACE',
  'CHANGE_SET_EXECUTE',
] as const;
type Mode = (typeof MODES)[number];

/** Such a stack is deleted and made anew by REPLACE_ON_FAILURE. */
const FAILED = /^(ROLLBACK_COMPLETE|ROLLBACK_FAILED|CREATE_FAILED|DELETE_FAILED|UPDATE_ROLLBACK_FAILED)$/;
/** Source: User Guide, "Quotas". */
const MOST_OVERRIDE_BYTES = 1_024;
const MOST_FILE_BYTES = 1_048_576;

export const cloudFormation: ActionProvider = {
  async start(run) {
    const mode = modeOf(run);
    const client = await run.client();
    switch (mode) {
      case 'DELETE_ONLY':
        return remove(run, client);
      case 'CHANGE_SET_REPLACE':
        return replaceChangeSet(run, client);
      case 'CHANGE_SET_EXECUTE':
        return executeChangeSet(run, client);
      default:
        return createOrUpdate(run, client, mode);
    }
  },

  async poll(run) {
    const client = await run.client();
    const id = run.actionExecution.externalExecutionId ?? '';
    const stack = await describe(client, id);
    const mode = modeOf(run);
    if (stack?.StackStatus === 'DELETE_COMPLETE' && mode === 'REPLACE_ON_FAILURE') {
      // The failed one is gone; now the new one.
      return createOrUpdate(run, client, mode);
    }
    if (stack === undefined) throw new ActionFailure('JobFailed', `The stack ${id} no longer exists.`);
    return outcomeOf(run, stack, mode);
  },

  async *foresee({ run, call, inputs, read, write }) {
    yield call('sts', 'GetCallerIdentity', {}, 'work as the role of the action');
    const artifacts = yield* inputs();
    const { ActionMode = '', StackName, RoleArn: RoleARN, ChangeSetName } = run.configuration;
    for (const artifact of artifacts) yield read(artifact);
    const stack = { StackName, ...(RoleARN === undefined ? {} : { RoleARN }) };
    if (ActionMode === 'CHANGE_SET_REPLACE') {
      yield call('cloudformation', 'DescribeChangeSet', { StackName, ChangeSetName }, 'look for the change set');
      yield call('cloudformation', 'CreateChangeSet', { ...stack, ChangeSetName }, 'make the change set');
      return;
    }
    if (ActionMode === 'CHANGE_SET_EXECUTE') {
      yield call('cloudformation', 'DescribeChangeSet', { StackName, ChangeSetName }, 'look for the change set');
      yield call('cloudformation', 'ExecuteChangeSet', { StackName, ChangeSetName }, 'execute the change set');
    } else {
      yield call('cloudformation', 'DescribeStacks', { StackName }, 'look for the stack');
      if (ActionMode === 'DELETE_ONLY') yield call('cloudformation', 'DeleteStack', stack, 'delete the stack');
      else {
        // One of the two; which, only the run will know, and a role should be able to do both.
        yield call('cloudformation', 'CreateStack', stack, 'make the stack, if there is none');
        yield call('cloudformation', 'UpdateStack', stack, 'change the stack, if there is one');
        yield { unknown: 'what the template makes, and so what its role needs' };
      }
    }
    yield call('cloudformation', 'DescribeStacks', { StackName }, 'follow the stack');
    for (const { name } of run.declaration.outputArtifacts ?? []) yield write(name);
  },
};

function modeOf(run: ActionRun): Mode {
  const mode = run.configuration['ActionMode'];
  const found = MODES.find((each) => each === mode);
  if (found === undefined)
    throw new ActionFailure('ConfigurationError', `ActionMode must be one of ${MODES.join(', ')}; found ${mode}.`);
  const needed: Readonly<Record<Mode, readonly string[]>> = {
    CREATE_UPDATE: ['RoleArn', 'TemplatePath'],
    REPLACE_ON_FAILURE: ['RoleArn', 'TemplatePath'],
    DELETE_ONLY: ['RoleArn'],
    CHANGE_SET_REPLACE: ['RoleArn', 'TemplatePath', 'ChangeSetName'],
    CHANGE_SET_EXECUTE: ['ChangeSetName'],
  };
  const missing = needed[found].find((key) => (run.configuration[key] ?? '') === '');
  if (missing !== undefined)
    throw new ActionFailure('ConfigurationError', `${missing} is required when ActionMode is ${found}.`);
  return found;
}

async function createOrUpdate(run: ActionRun, client: Client, mode: Mode): Promise<ActionOutcome> {
  const { StackName = '', RoleArn: RoleARN } = run.configuration;
  const stack = await describe(client, StackName);
  if (stack !== undefined && mode === 'REPLACE_ON_FAILURE' && FAILED.test(stack.StackStatus ?? '')) {
    await ask(client, 'DeleteStack', { StackName, RoleARN, ClientRequestToken: tokenOf(run, 'delete') });
    return running(run, stack.StackId ?? '');
  }
  const input = await stackInput(run);
  if (stack === undefined || stack.StackStatus === 'REVIEW_IN_PROGRESS') {
    const { StackId = '' } = await ask<CreateStackOutput>(client, 'CreateStack', {
      ...input,
      ClientRequestToken: tokenOf(run, 'create'),
    });
    return running(run, StackId);
  }
  // A try before this one made it: creating it again finds it.
  if (run.mayHaveStarted && stack.StackStatus === 'CREATE_IN_PROGRESS') return running(run, stack.StackId ?? '');
  try {
    const ClientRequestToken = tokenOf(run, 'update');
    const { StackId = '' } = await ask<CreateStackOutput>(client, 'UpdateStack', { ...input, ClientRequestToken });
    return running(run, StackId);
  } catch (error) {
    if (!isNoUpdate(error)) throw error;
    return succeeded(run, stack, 'No updates are to be performed.');
  }
}

async function remove(run: ActionRun, client: Client): Promise<ActionOutcome> {
  const { StackName = '', RoleArn: RoleARN } = run.configuration;
  const stack = await describe(client, StackName);
  if (stack === undefined)
    return { type: 'Succeeded', outputs: [], variables: {}, report: { summary: 'The stack does not exist' } };
  await ask(client, 'DeleteStack', { StackName, RoleARN, ClientRequestToken: tokenOf(run, 'delete') });
  return running(run, stack.StackId ?? '');
}

async function replaceChangeSet(run: ActionRun, client: Client): Promise<ActionOutcome> {
  const { StackName = '', ChangeSetName = '' } = run.configuration;
  const input = await stackInput(run);
  const stack = await describe(client, StackName);
  const isNew = stack === undefined || stack.StackStatus === 'REVIEW_IN_PROGRESS';
  if (stack !== undefined) await ask(client, 'DeleteChangeSet', { StackName, ChangeSetName });
  await ask(client, 'CreateChangeSet', {
    ...input,
    ChangeSetName,
    ChangeSetType: isNew ? 'CREATE' : 'UPDATE',
    ClientToken: tokenOf(run, 'change-set'),
  });
  const made = await ask<DescribeChangeSetOutput>(client, 'DescribeChangeSet', { StackName, ChangeSetName });
  const report = { externalExecutionId: made.ChangeSetId ?? '', summary: `Change set ${ChangeSetName} was created.` };
  const isEmpty = made.StatusReason?.includes("didn't contain changes") === true;
  if (made.Status === 'FAILED' && !isEmpty)
    return {
      type: 'Failed',
      error: { code: 'JobFailed', message: made.StatusReason ?? 'The change set failed.' },
      report,
    };
  return {
    type: 'Succeeded',
    outputs: [],
    variables: {},
    report: isEmpty ? { ...report, summary: 'The change set contains no changes.' } : report,
  };
}

async function executeChangeSet(run: ActionRun, client: Client): Promise<ActionOutcome> {
  const { StackName = '', ChangeSetName = '' } = run.configuration;
  const found = await ask<DescribeChangeSetOutput>(client, 'DescribeChangeSet', { StackName, ChangeSetName });
  const stackId = found.StackId ?? '';
  if (found.Status === 'FAILED' && found.StatusReason?.includes("didn't contain changes") === true) {
    const stack = await describe(client, stackId);
    if (stack !== undefined) return succeeded(run, stack, 'The change set contains no changes.');
  }
  const started = run.mayHaveStarted && found.ExecutionStatus?.startsWith('EXECUTE_') === true;
  if (!started)
    await ask(client, 'ExecuteChangeSet', { StackName, ChangeSetName, ClientRequestToken: tokenOf(run, 'execute') });
  return running(run, stackId);
}

async function outcomeOf(run: ActionRun, stack: Stack, mode: Mode): Promise<ActionOutcome> {
  const { StackStatus = '', StackStatusReason, StackId = '' } = stack;
  if (StackStatus.endsWith('_IN_PROGRESS')) return running(run, StackId);
  const deleting = mode === 'DELETE_ONLY';
  if (deleting ? StackStatus === 'DELETE_COMPLETE' : /^(CREATE|UPDATE)_COMPLETE$/.test(StackStatus))
    return succeeded(run, stack, `Stack ${stack.StackName} reached ${StackStatus}.`);
  const message = StackStatusReason ?? `The stack ${stack.StackName} reached ${StackStatus}.`;
  return {
    type: 'Failed',
    error: { code: 'JobFailed', message },
    report: { externalExecutionId: StackId, externalExecutionUrl: urlOf(run, StackId), summary: message },
  };
}

async function succeeded(run: ActionRun, stack: Stack, summary: string): Promise<ActionOutcome> {
  const variables = Object.fromEntries(
    (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
  const [output] = run.declaration.outputArtifacts ?? [];
  const outputs: Artifact[] = [];
  if (output !== undefined && modeOf(run) !== 'DELETE_ONLY') {
    const { OutputFileName } = run.configuration;
    if (OutputFileName === undefined)
      throw new ActionFailure(
        'ConfigurationError',
        'OutputFileName is required when the action has an output artifact.',
      );
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from(JSON.stringify(variables)), OutputFileName, { mtime: new Date(0) });
    zip.end();
    outputs.push(await run.artifacts.put(output.name, await buffer(zip.outputStream)));
  }
  const StackId = stack.StackId ?? '';
  return {
    type: 'Succeeded',
    outputs,
    variables,
    report: { externalExecutionId: StackId, externalExecutionUrl: urlOf(run, StackId), summary },
  };
}

function running(run: ActionRun, stackId: string): ActionOutcome {
  return {
    type: 'Running',
    report: {
      externalExecutionId: stackId,
      externalExecutionUrl: urlOf(run, stackId),
      summary: `Stack ${run.configuration['StackName']} is being worked on.`,
    },
    pollAfterMs: POLL_AFTER_MS,
    wakeKey: stackId,
  };
}

function urlOf(run: ActionRun, stackId: string): string {
  return `https://console.aws.amazon.com/cloudformation/home?region=${run.region}#/stacks/stackinfo?stackId=${encodeURIComponent(stackId)}`;
}

function tokenOf(run: ActionRun, what: string): string {
  return `codepipeline-${run.actionExecution.id}-${what}`;
}

async function describe(client: Client, StackName: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await ask<DescribeStacksOutput>(client, 'DescribeStacks', { StackName });
    return Stacks[0];
  } catch (error) {
    if (error instanceof CloudFormationRefusal && error.message.includes('does not exist')) return undefined;
    throw error;
  }
}

/** What CloudFormation answered, in the words in which CodePipeline shows it. */
class CloudFormationRefusal extends ActionFailure {}

async function ask<Output>(client: Client, operation: string, input: object): Promise<Output> {
  try {
    const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
    return await client.call<Output>('cloudformation', operation, given);
  } catch (error) {
    if (!isAwsError(error) || /Throttl|Unavailable|InternalFailure/.test(error.code)) throw error;
    const denied = /AccessDenied/.test(error.code);
    const told = error.message.replace(/\.$/, '');
    throw new CloudFormationRefusal(
      denied ? 'PermissionError' : 'ConfigurationError',
      `${told} (Service: AmazonCloudFormation; Status Code: ${denied ? 403 : (error.statusCode ?? 400)}; Error Code: ${denied ? 'AccessDenied' : error.code})`,
    );
  }
}

function isNoUpdate(error: unknown): boolean {
  return error instanceof CloudFormationRefusal && error.message.startsWith('No updates are to be performed');
}

// --- what the stack is made of ---

async function stackInput(run: ActionRun): Promise<object> {
  const {
    StackName,
    RoleArn,
    TemplatePath = '',
    TemplateConfiguration,
    Capabilities,
    ParameterOverrides,
  } = run.configuration;
  const TemplateBody = await fileOf(run, TemplatePath, 'TemplatePath');
  const settings =
    TemplateConfiguration === undefined
      ? {}
      : object(await fileOf(run, TemplateConfiguration, 'TemplateConfiguration'), TemplateConfiguration);
  if (settings['StackPolicy'] !== undefined)
    throw new ActionFailure('ConfigurationError', 'StackPolicy in TemplateConfiguration is not implemented by Sluice.');
  const parameters = { ...part(settings, 'Parameters'), ...(await overrides(run, ParameterOverrides)) };
  return {
    StackName,
    TemplateBody,
    RoleARN: RoleArn,
    Parameters: Object.entries(parameters).map(([ParameterKey, value]) => ({
      ParameterKey,
      ParameterValue: plain(value),
    })),
    ...(settings['Tags'] === undefined
      ? {}
      : { Tags: Object.entries(part(settings, 'Tags')).map(([Key, Value]) => ({ Key, Value: plain(Value) })) }),
    ...(Capabilities === undefined || Capabilities === ''
      ? {}
      : { Capabilities: Capabilities.split(',').map((each) => each.trim()) }),
  };
}

async function overrides(run: ActionRun, given: string | undefined): Promise<Record<string, Json>> {
  if (given === undefined || given.trim() === '') return {};
  if (Buffer.byteLength(given) > MOST_OVERRIDE_BYTES)
    throw new ActionFailure('ConfigurationError', `ParameterOverrides may have at most ${MOST_OVERRIDE_BYTES} bytes.`);
  const found: Record<string, Json> = {};
  for (const [key, value] of Object.entries(object(given, 'ParameterOverrides')))
    found[key] = await overridden(run, value);
  return found;
}

/** `Fn::GetArtifactAtt` and `Fn::GetParam`, which only CodePipeline knows. */
async function overridden(run: ActionRun, value: Json): Promise<Json> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const [[name = '', argument] = []] = Object.entries(value as Readonly<Record<string, Json>>);
  const [artifactName = '', second = '', third = ''] = (Array.isArray(argument) ? argument : []).map(plain);
  if (name === 'Fn::GetArtifactAtt') {
    const artifact = await input(run, artifactName, 'ParameterOverrides');
    if (second === 'BucketName') return artifact.bucket;
    if (second === 'ObjectKey') return artifact.key;
    if (second === 'URL') return `https://s3.${run.region}.amazonaws.com/${artifact.bucket}/${artifact.key}`;
    throw new ActionFailure(
      'ConfigurationError',
      `Fn::GetArtifactAtt knows BucketName, ObjectKey and URL; found ${second}.`,
    );
  }
  if (name === 'Fn::GetParam') {
    const path = `${artifactName}::${second}`;
    const found = object(await fileOf(run, path, 'ParameterOverrides'), path)[third];
    if (found === undefined) throw new ActionFailure('ConfigurationError', `${path} has no key ${third}.`);
    return found;
  }
  throw new ActionFailure('ConfigurationError', `ParameterOverrides: ${name} is not a function that it knows.`);
}

async function input(run: ActionRun, name: string, where: string): Promise<Artifact> {
  const found = (await run.artifacts.inputs()).find((artifact) => artifact.name === name);
  if (found !== undefined) return found;
  throw new ActionFailure(
    'ConfigurationError',
    `${where} names the artifact ${name}, which is no input of the action.`,
  );
}

/** The content of `Artifact::path/in/it`, read as the action's role. */
async function fileOf(run: ActionRun, path: string, where: string): Promise<string> {
  const [, name = '', file = ''] = /^([^:]+)::(.+)$/.exec(path) ?? [];
  if (name === '')
    throw new ActionFailure('ConfigurationError', `${where} must have the form Artifact::file; found ${path}.`);
  const spooled = await run.artifacts.fetch(await input(run, name, where));
  try {
    const zip = await openZip(spooled.path);
    try {
      const entry = zip.entries.find((each) => each.path === file);
      if (entry === undefined)
        throw new ActionFailure('ConfigurationError', `File [${file}] does not exist in artifact [${name}]`);
      if (entry.bytes > MOST_FILE_BYTES)
        throw new ActionFailure(
          'ConfigurationError',
          `File [${file}] in artifact [${name}] has more than ${MOST_FILE_BYTES} bytes`,
        );
      return await readText(await entry.open());
    } finally {
      zip.close();
    }
  } catch (error) {
    if (!(error instanceof UnsafeZipError)) throw error;
    throw new ActionFailure('ConfigurationError', `The artifact ${name} is no zip that can be read: ${error.message}`);
  } finally {
    await spooled.dispose();
  }
}

function object(text: string, where: string): Readonly<Record<string, Json>> {
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, Json>>;
  } catch {
    // Refused below.
  }
  throw new ActionFailure('ConfigurationError', `${where} is not a JSON object.`);
}

function part(settings: Readonly<Record<string, Json>>, key: string): Readonly<Record<string, Json>> {
  const value = settings[key] ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ActionFailure('ConfigurationError', `${key} in TemplateConfiguration is not an object.`);
  return value as Readonly<Record<string, Json>>;
}

function plain(value: Json): string {
  if (Array.isArray(value)) return value.map(plain).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
