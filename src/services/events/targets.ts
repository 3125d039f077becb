/**
 * The kinds of target: how each is called, and as whom. Lambda, SNS, SQS and Logs are called as the service, with the
 * rule as source, so that their resource policies decide; the others as the target's role.
 * Source: EventBridge User Guide, "Targets" and "Using resource-based policies".
 */
import type { PutEventsResponse, Target } from '@aws-sdk/client-eventbridge';
import { AwsError, isAwsError, type Json, parseArn } from '../../common/index.ts';
import { isTemplate, parsePath } from '../../core/input-transformer/index.ts';
import type { Client, House, Scope } from '../service.ts';
import { EVENT_ACCOUNT, EVENT_REGION } from './records.ts';

const SERVICE = 'events.amazonaws.com';

export type Sending = Readonly<{
  target: Target;
  text: string;
  ruleArn: string;
  scope: Scope;
  eventId: string;
  token: string;
  account: string;
  /** Of the event; absent in deliveries of earlier days: that of the rule. */
  region?: string;
}>;

type TargetKind = Readonly<{ needsRole: boolean; send(client: Client, sending: Sending, house: House): Promise<void> }>;

const KINDS: Readonly<Record<string, TargetKind>> = {
  lambda: {
    needsRole: false,
    send: async (client, { target, text }) =>
      void (await client.call('lambda', 'Invoke', {
        FunctionName: target.Arn,
        InvocationType: 'Event',
        Payload: new TextEncoder().encode(text),
      })),
  },
  sns: {
    needsRole: false,
    send: async (client, { target, text }) =>
      void (await client.call('sns', 'Publish', { TopicArn: target.Arn, Message: text })),
  },
  sqs: {
    needsRole: false,
    send: async (client, { target, text }, house) => {
      const arn = parseArn(target.Arn ?? '');
      // The URL follows from the ARN: a queue's policy grants `sqs:SendMessage` alone, so asking for it would be denied.
      const QueueUrl = `${house.config.endpoint()}/${arn?.account}/${arn?.resource}`;
      await client.call('sqs', 'SendMessage', {
        QueueUrl,
        MessageBody: text,
        ...(target.SqsParameters?.MessageGroupId === undefined
          ? {}
          : { MessageGroupId: target.SqsParameters.MessageGroupId }),
      });
    },
  },
  logs: {
    needsRole: false,
    send: async (client, { target, text, eventId }, house) => {
      const logGroupName = (parseArn(target.Arn ?? '')?.resource ?? '').replace(/^log-group:/, '').replace(/:\*$/, '');
      const logStreamName = eventId;
      await client
        .call('logs', 'CreateLogStream', { logGroupName, logStreamName })
        .catch(ignore('ResourceAlreadyExistsException'));
      await client.call('logs', 'PutLogEvents', {
        logGroupName,
        logStreamName,
        logEvents: [logEventOf(target, text, house.clock.now())],
      });
    },
  },
  codepipeline: {
    needsRole: true,
    send: async (client, { target, text, token }) => {
      const { variables, sourceRevisions } = objectOf(text);
      await client.call('codepipeline', 'StartPipelineExecution', {
        name: parseArn(target.Arn ?? '')?.resource,
        clientRequestToken: token,
        ...(Array.isArray(variables) ? { variables } : {}),
        ...(Array.isArray(sourceRevisions) ? { sourceRevisions } : {}),
      });
    },
  },
  codebuild: {
    needsRole: true,
    send: async (client, { target, text, token }) => {
      const overrides = target.Input !== undefined || target.InputTransformer !== undefined ? objectOf(text) : {};
      await client.call('codebuild', 'StartBuild', {
        ...overrides,
        projectName: (parseArn(target.Arn ?? '')?.resource ?? '').replace(/^project\//, ''),
        idempotencyToken: token,
      });
    },
  },
  events: {
    needsRole: true,
    send: async (client, { target, text }) => {
      const event = JSON.parse(text) as Record<string, unknown>;
      const { Entries } = await client.call<PutEventsResponse>('events', 'PutEvents', {
        Entries: [
          {
            Source: event['source'],
            DetailType: event['detail-type'],
            Detail: JSON.stringify(event['detail'] ?? {}),
            Resources: event['resources'],
            Time: new Date(String(event['time'])),
            EventBusName: target.Arn,
          },
        ],
      });
      const [entry] = Entries ?? [];
      if (entry?.ErrorCode !== undefined) throw new AwsError(entry.ErrorCode, entry.ErrorMessage ?? '');
    },
  },
};

const UNSUPPORTED = [
  'KinesisParameters',
  'RunCommandParameters',
  'EcsParameters',
  'BatchParameters',
  'HttpParameters',
  'RedshiftDataParameters',
  'SageMakerPipelineParameters',
  'AppSyncParameters',
] as const;

/** Throws ValidationException for a target that Sluice cannot deliver to, or that is malformed. */
export function checkTarget(target: Target): void {
  const service = parseArn(target.Arn ?? '')?.service;
  if (service === undefined)
    throw new AwsError(
      'ValidationException',
      `Parameter ${target.Arn} is not valid. Reason: Provided Arn is not in correct format.`,
    );
  const kind = KINDS[service];
  if (kind === undefined)
    throw new AwsError(
      'ValidationException',
      `Targets of the service ${service} are not implemented by Sluice; these are: ${Object.keys(KINDS).join(', ')}.`,
    );
  for (const member of UNSUPPORTED) {
    if (target[member] !== undefined)
      throw new AwsError('ValidationException', `${member} of a target is not implemented by Sluice.`);
  }
  if (kind.needsRole && target.RoleArn === undefined)
    throw new AwsError('ValidationException', `RoleArn is required for target ${target.Arn}.`);
  if ([target.Input, target.InputPath, target.InputTransformer].filter((one) => one !== undefined).length > 1) {
    throw new AwsError(
      'ValidationException',
      `Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`,
    );
  }
  if (target.Input !== undefined && !isJson(target.Input))
    throw new AwsError('ValidationException', `JSON syntax error in input for target ${target.Id}`);
  const transformer = target.InputTransformer;
  if (
    transformer !== undefined &&
    !isTemplate(transformer.InputTemplate ?? '', Object.keys(transformer.InputPathsMap ?? {}))
  )
    throw new AwsError(
      'ValidationException',
      `Invalid InputTemplate for target ${target.Id} : it must be a JSON value once each <name> stands for a value.`,
    );
  const deadLetters = target.DeadLetterConfig?.Arn;
  if (deadLetters !== undefined && parseArn(deadLetters)?.service !== 'sqs')
    throw new AwsError(
      'ValidationException',
      `Parameter DeadLetterConfig.Arn is not valid. Reason: Invalid DeadLetterQueue arn provided.`,
    );
  for (const path of [target.InputPath, ...Object.values(target.InputTransformer?.InputPathsMap ?? {})]) {
    if (path !== undefined && parsePath(path) === undefined)
      throw new AwsError('ValidationException', `Invalid JSONPath ${path} for target ${target.Id}.`);
  }
}

export async function sendToTarget(house: House, sending: Sending): Promise<void> {
  const arn = parseArn(sending.target.Arn ?? '');
  const kind = KINDS[arn?.service ?? ''];
  if (arn === undefined || kind === undefined)
    throw new AwsError('ResourceNotFoundException', `No such target: ${sending.target.Arn}`);
  const source = { sourceArn: sending.ruleArn, sourceAccount: sending.scope.account };
  const scope = {
    account: arn.account === '' ? sending.scope.account : arn.account,
    region: arn.region === '' ? sending.scope.region : arn.region,
  };
  if (sending.target.RoleArn === undefined)
    return kind.send(house.door.asService(SERVICE, scope, source), sending, house);
  const session = await house.door.assumeRole({
    roleArn: sending.target.RoleArn,
    sessionName: sending.token.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64),
    by: { type: 'Service', service: SERVICE, ...source },
    region: sending.scope.region,
  });
  // The call is made in the target's account only where the role lives there or the target's policy lets it in.
  const own = 'account' in session.principal ? session.principal.account : scope.account;
  return kind.send(
    house.door.as(
      session.principal,
      { account: own, region: scope.region },
      {
        context: {
          'aws:SourceArn': sending.ruleArn,
          [EVENT_ACCOUNT]: sending.account,
          [EVENT_REGION]: sending.region ?? sending.scope.region,
        },
      },
    ),
    sending,
    house,
  );
}

/** A template for a log group gives `timestamp` and `message`; anything else is the message. */
function logEventOf(target: Target, text: string, now: number): { timestamp: number; message: string } {
  const { timestamp, message } = target.InputTransformer === undefined ? {} : (objectOf(text) as Record<string, Json>);
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp;
  if (typeof at !== 'number' || Number.isNaN(at) || message === undefined) return { timestamp: now, message: text };
  return { timestamp: at, message: typeof message === 'string' ? message : JSON.stringify(message) };
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function ignore(code: string): (error: unknown) => void {
  return (error) => {
    if (!isAwsError(error, code)) throw error;
  };
}
