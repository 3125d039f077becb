/**
 * The policy decision alone, on one core: decisions a second for a typical role (5 policies of 20 statements), and the slowest
 * of the policies that are made to be slow, warm and when it is read for the first time.
 */
import { decide, type DecisionInput } from '../src/core/policy/index.ts';
import { hostileDecisions } from '../test/support/hostile-policies.ts';
import { quantile, type Row } from './measure.ts';

const ROUNDS = 9;
const PER_ROUND = 20_000;

export function benchDecisions(): readonly Row[] {
  const inputs = typicalDecisions();
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const from = process.cpuUsage();
    for (let i = 0; i < PER_ROUND; i++) decide(inputs[i % inputs.length] as DecisionInput);
    // The first rounds warm up.
    if (round > 1) rates.push((PER_ROUND * 1000) / cpuMs(from));
  }
  const slow = hostileDecisions().map(({ name, input }) => {
    const cold = timed(input);
    const warm = quantile(
      Array.from({ length: 15 }, () => timed(input)),
      0.5,
    );
    return { name, cold, warm };
  });
  const slowest = (which: 'cold' | 'warm') => slow.reduce((worst, one) => (one[which] > worst[which] ? one : worst));
  return [
    {
      name: 'decisions, 5 policies of 20 statements',
      unit: '1/s',
      value: quantile(rates, 0.5),
      target: '≥ 100000',
      note: 'one core',
    },
    {
      name: 'slowest decision, policy of the largest size',
      unit: 'ms',
      value: slowest('warm').warm,
      target: '< 5',
      note: slowest('warm').name,
    },
    {
      name: 'the same, read for the first time',
      unit: 'ms',
      value: slowest('cold').cold,
      note: slowest('cold').name,
    },
    ...(process.env['SLUICE_BENCH_ALL'] === undefined
      ? []
      : slow.map(({ name, cold, warm }) => ({
          name,
          unit: 'ms',
          value: warm,
          note: `${cold.toFixed(2)} the first time`,
        }))),
  ];
}

/** Of this process, so that a busy machine does not count. */
function cpuMs(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

function timed(input: DecisionInput): number {
  const from = process.cpuUsage();
  decide(input);
  return cpuMs(from);
}

/** Every statement meets the action, none but the last but one the resource: nothing is decided early. */
function typicalDecisions(): readonly DecisionInput[] {
  const account = '111111111111';
  const bucket = (p: number, s: number): string => `arn:aws:s3:::artifacts-${p}-${s}`;
  const identity = Array.from({ length: 5 }, (_, p) => ({
    name: `policy ${p}`,
    document: JSON.stringify({
      Version: '2012-10-17',
      Statement: Array.from({ length: 20 }, (__, s) => ({
        Sid: `S${s}`,
        Effect: 'Allow',
        Action: ['s3:Get*', 's3:PutObject'],
        Resource: [bucket(p, s), `${bucket(p, s)}/*`],
        ...(s % 5 === 0 ? { Condition: { Bool: { 'aws:SecureTransport': 'true' } } } : {}),
      })),
    }),
  }));
  return Array.from({ length: 100 }, (_, i) => ({
    principal: {
      type: 'AssumedRole',
      account,
      arn: `arn:aws:sts::${account}:assumed-role/R/s`,
      roleArn: `arn:aws:iam::${account}:role/R`,
      roleName: 'R',
      roleId: 'AROAR',
      sessionName: 's',
      issuedAt: 0,
      expiresAt: 1,
    },
    scope: { account, region: 'us-east-1' },
    context: { 'aws:SecureTransport': 'true', 'aws:RequestedRegion': 'us-east-1', 'aws:PrincipalAccount': account },
    request: { action: i % 2 === 0 ? 's3:GetObject' : 's3:PutObject', resource: `${bucket(4, i % 20)}/build-${i}.zip` },
    policies: { identity },
  }));
}
