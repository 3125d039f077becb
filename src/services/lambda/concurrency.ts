/** Reserved concurrency, and the account's limits. Source: Lambda Developer Guide, "Configuring reserved concurrency for a function". */
import type {
  DeleteFunctionConcurrencyRequest,
  GetAccountSettingsRequest,
  GetAccountSettingsResponse,
  GetFunctionConcurrencyRequest,
  GetFunctionConcurrencyResponse,
  PutFunctionConcurrencyRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { functionAccess } from './access.ts';
import { changeFunction } from './change-function.ts';
import { ACCOUNT_CONCURRENCY, LEAST_UNRESERVED } from './concurrency-count.ts';
import { parsePlace } from './names.ts';
import { functions, requireFunction, versions } from './records.ts';

export const putFunctionConcurrency = operation<PutFunctionConcurrencyRequest, GetFunctionConcurrencyResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'PutFunctionConcurrency', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    const reserved = input.ReservedConcurrentExecutions ?? 0;
    await requireFunction(call.house.store, place);
    const others = await reservedByOthers(call, place.name);
    if (ACCOUNT_CONCURRENCY - others - reserved < LEAST_UNRESERVED) {
      throw new AwsError(
        'InvalidParameterValueException',
        `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${LEAST_UNRESERVED}].`,
      );
    }
    await changeFunction(call, place, (record) => ({ ...record, reservedConcurrency: reserved }));
    return { ReservedConcurrentExecutions: reserved };
  },
});

export const getFunctionConcurrency = operation<GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'GetFunctionConcurrency', input.FunctionName)],
  async handle(input, call) {
    const { reservedConcurrency } = await requireFunction(call.house.store, parsePlace(call, input.FunctionName));
    return reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency };
  },
});

export const deleteFunctionConcurrency = operation<DeleteFunctionConcurrencyRequest, void>({
  authorize: async (input, call) => [await functionAccess(call, 'DeleteFunctionConcurrency', input.FunctionName)],
  async handle(input, call) {
    await changeFunction(call, parsePlace(call, input.FunctionName), ({ reservedConcurrency: _gone, ...rest }) => rest);
  },
});

export const getAccountSettings = operation<GetAccountSettingsRequest, GetAccountSettingsResponse>({
  async handle(_input, call) {
    const scope = { account: call.account, region: call.region };
    const all = await functions.list(call.house.store, scope);
    const copies = await versions.list(call.house.store, scope);
    const codeBytes = [...all.map(({ document }) => document.latest), ...copies.map(({ document }) => document)];
    return {
      AccountLimit: {
        TotalCodeSize: 80_530_636_800,
        CodeSizeUnzipped: 262_144_000,
        CodeSizeZipped: 52_428_800,
        ConcurrentExecutions: ACCOUNT_CONCURRENCY,
        UnreservedConcurrentExecutions: ACCOUNT_CONCURRENCY - (await reservedByOthers(call)),
      },
      AccountUsage: {
        TotalCodeSize: codeBytes.reduce((sum, configuration) => sum + configuration.codeBytes, 0),
        FunctionCount: all.length,
      },
    };
  },
});

async function reservedByOthers(call: Call, except?: string): Promise<number> {
  const all = await functions.list(call.house.store, { account: call.account, region: call.region });
  return all
    .filter(({ document }) => document.name !== except)
    .reduce((sum, { document }) => sum + (document.reservedConcurrency ?? 0), 0);
}
