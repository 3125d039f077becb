/** How often and how long a failed event is tried again. Source: Lambda API Reference, PutFunctionEventInvokeConfig. */
import type {
  DeleteFunctionEventInvokeConfigRequest,
  DestinationConfig,
  FunctionEventInvokeConfig,
  GetFunctionEventInvokeConfigRequest,
  ListFunctionEventInvokeConfigsRequest,
  ListFunctionEventInvokeConfigsResponse,
  PutFunctionEventInvokeConfigRequest,
  UpdateFunctionEventInvokeConfigRequest,
} from '@aws-sdk/client-lambda';
import { AwsError, own } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { refuse } from './errors.ts';
import { functionAccess } from './access.ts';
import { changeFunction } from './change-function.ts';
import { requireQualified } from './functions.ts';
import { type Named, parseName } from './names.ts';
import { type EventInvokeConfig, functionArn, LATEST, requireFunction } from './records.ts';

export const putFunctionEventInvokeConfig = operation<PutFunctionEventInvokeConfigRequest, FunctionEventInvokeConfig>({
  authorize: async (input, call) => [
    await functionAccess(call, 'PutFunctionEventInvokeConfig', input.FunctionName, input.Qualifier),
  ],
  handle: (input, call) => write(call, input, () => undefined),
});

export const updateFunctionEventInvokeConfig = operation<
  UpdateFunctionEventInvokeConfigRequest,
  FunctionEventInvokeConfig
>({
  authorize: async (input, call) => [
    await functionAccess(call, 'UpdateFunctionEventInvokeConfig', input.FunctionName, input.Qualifier),
  ],
  handle: (input, call) =>
    write(call, input, (named, before) => {
      if (before === undefined) throw missing(named);
      return before;
    }),
});

export const getFunctionEventInvokeConfig = operation<GetFunctionEventInvokeConfigRequest, FunctionEventInvokeConfig>({
  authorize: async (input, call) => [
    await functionAccess(call, 'GetFunctionEventInvokeConfig', input.FunctionName, input.Qualifier),
  ],
  async handle(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    const record = await requireFunction(call.house.store, named.place, named.qualifier);
    const config = own(record.eventInvokeConfigs, named.qualifier ?? LATEST);
    if (config === undefined) throw missing(named);
    return shown(named, config);
  },
});

export const deleteFunctionEventInvokeConfig = operation<DeleteFunctionEventInvokeConfigRequest, void>({
  authorize: async (input, call) => [
    await functionAccess(call, 'DeleteFunctionEventInvokeConfig', input.FunctionName, input.Qualifier),
  ],
  async handle(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    await changeFunction(call, named.place, (record) => {
      const { [named.qualifier ?? LATEST]: config, ...eventInvokeConfigs } = record.eventInvokeConfigs;
      if (config === undefined) throw missing(named);
      return { ...record, eventInvokeConfigs };
    });
  },
});

export const listFunctionEventInvokeConfigs = operation<
  ListFunctionEventInvokeConfigsRequest,
  ListFunctionEventInvokeConfigsResponse
>({
  authorize: async (input, call) => [await functionAccess(call, 'ListFunctionEventInvokeConfigs', input.FunctionName)],
  async handle(input, call) {
    const { place } = parseName(call, input.FunctionName);
    const { eventInvokeConfigs } = await requireFunction(call.house.store, place);
    const all = Object.entries(eventInvokeConfigs).sort(([a], [b]) => (a < b ? -1 : 1));
    const from = input.Marker === undefined || input.Marker === '' ? 0 : positionOf(input.Marker);
    const page = all.slice(from, from + (input.MaxItems ?? 50));
    const end = from + page.length;
    return {
      FunctionEventInvokeConfigs: page.map(([qualifier, config]) => shown({ place, qualifier }, config)),
      ...(end < all.length ? { NextMarker: Buffer.from(String(end)).toString('base64url') } : {}),
    };
  },
});

async function write(
  call: Call,
  input: PutFunctionEventInvokeConfigRequest,
  base: (named: Named, before: EventInvokeConfig | undefined) => EventInvokeConfig | undefined,
): Promise<FunctionEventInvokeConfig> {
  if (hasDestination(input.DestinationConfig)) throw refuse('DestinationConfig');
  const named = parseName(call, input.FunctionName, input.Qualifier);
  await requireQualified(call, named);
  const key = named.qualifier ?? LATEST;
  const record = await changeFunction(call, named.place, (record) => {
    const before = base(named, own(record.eventInvokeConfigs, key));
    const config: EventInvokeConfig = {
      ...before,
      ...(input.MaximumRetryAttempts === undefined ? {} : { maxRetries: input.MaximumRetryAttempts }),
      ...(input.MaximumEventAgeInSeconds === undefined ? {} : { maxAgeSeconds: input.MaximumEventAgeInSeconds }),
      modifiedAt: call.now,
    };
    return { ...record, eventInvokeConfigs: { ...record.eventInvokeConfigs, [key]: config } };
  });
  return shown(named, own(record.eventInvokeConfigs, key) ?? { modifiedAt: call.now });
}

function hasDestination(config: DestinationConfig | undefined): boolean {
  return (config?.OnFailure?.Destination ?? '') !== '' || (config?.OnSuccess?.Destination ?? '') !== '';
}

function positionOf(marker: string): number {
  const position = Number(Buffer.from(marker, 'base64url').toString('utf8'));
  if (!Number.isInteger(position) || position < 0)
    throw new AwsError('InvalidParameterValueException', 'Invalid Marker.');
  return position;
}

function shown({ place, qualifier }: Named, config: EventInvokeConfig): FunctionEventInvokeConfig {
  return {
    LastModified: new Date(config.modifiedAt),
    FunctionArn: functionArn(place, qualifier ?? LATEST),
    ...(config.maxRetries === undefined ? {} : { MaximumRetryAttempts: config.maxRetries }),
    ...(config.maxAgeSeconds === undefined ? {} : { MaximumEventAgeInSeconds: config.maxAgeSeconds }),
    DestinationConfig: { OnSuccess: {}, OnFailure: {} },
  };
}

function missing({ place, qualifier }: Named): AwsError {
  return new AwsError(
    'ResourceNotFoundException',
    `The function ${functionArn(place, qualifier ?? LATEST)} doesn't have an EventInvokeConfig`,
  );
}
