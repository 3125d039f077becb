/** `sluice account`: the accounts of the organization; `sluice account create NAME` makes one. */
import type { Command } from 'commander';
import { OptionError } from '../config.ts';
import { awsClient, type AwsClient } from './aws.ts';
import { withEndpoint } from './endpoint.ts';

type Creation = Readonly<{ Id: string; State: string; AccountId?: string; FailureReason?: string }>;
type CreationAnswer = Readonly<{ CreateAccountStatus: Creation }>;
type Account = Readonly<{ Id: string; Name: string; Status?: string }>;

export function addAccountCommand(program: Command): void {
  const account = withEndpoint(program.command('account').description('list accounts')).action(
    async ({ endpoint }: { endpoint: string }) => {
      const aws = awsClient(endpoint, process.env);
      await ensureOrganization(aws);
      let token: string | undefined;
      do {
        const page = (await aws('organizations', 'ListAccounts', token === undefined ? {} : { NextToken: token })) as {
          Accounts: Account[];
          NextToken?: string;
        };
        for (const { Id, Name } of page.Accounts) process.stdout.write(`${Id}  ${Name}\n`);
        token = page.NextToken;
      } while (token !== undefined);
    },
  );
  withEndpoint(
    account
      .command('create <name>')
      .description('make an account and print its id')
      .option('--email <address>', 'its e-mail address'),
  ).action(async (name: string, { endpoint, email }: { endpoint: string; email?: string }) => {
    const aws = awsClient(endpoint, process.env);
    await ensureOrganization(aws);
    const made = (await aws('organizations', 'CreateAccount', {
      AccountName: name,
      Email: email ?? `${name.replaceAll(/[^\w.-]/g, '-')}@example.com`,
    })) as CreationAnswer;
    const { State, AccountId, FailureReason } = await finished(aws, made.CreateAccountStatus);
    if (State !== 'SUCCEEDED' || AccountId === undefined) {
      throw new OptionError(`the account could not be made: ${FailureReason ?? State}`);
    }
    process.stdout.write(`${AccountId}\n`);
    process.stderr.write(
      `Reach it by its role: aws sts assume-role --role-arn arn:aws:iam::${AccountId}:role/OrganizationAccountAccessRole --role-session-name me\n`,
    );
  });
}

/** Asks until the account is made, or is not. */
async function finished(aws: AwsClient, begun: Creation): Promise<Creation> {
  let creation = begun;
  for (let tries = 0; creation.State === 'IN_PROGRESS' && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = (await aws('organizations', 'DescribeCreateAccountStatus', {
      CreateAccountRequestId: begun.Id,
    })) as CreationAnswer;
    creation = answer.CreateAccountStatus;
  }
  return creation;
}

/** An account list needs an organization; the first account becomes its management account. */
async function ensureOrganization(aws: AwsClient): Promise<void> {
  await aws('organizations', 'CreateOrganization', { FeatureSet: 'ALL' }).catch((error: unknown) => {
    if (!(error instanceof Error) || !/already.*organization|member of an organization/i.test(error.message))
      throw error;
  });
}
