/** Which master secret the environment asks for. At most one kind may be set. */
import { Concealed, type MasterSecretSetting } from './master-secret.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws what `refuse` makes of a message. */
export function masterSecretSetting(
  environment: Environment,
  refuse: (message: string) => Error,
  prefix = 'SLUICE_MASTER',
): MasterSecretSetting {
  const [secret, file, keyArn] = ['_SECRET', '_SECRET_FILE', '_KMS'].map((name) => environment[`${prefix}${name}`]);
  const given = [secret, file, keyArn].filter((value) => value !== undefined && value !== '');
  if (given.length > 1) {
    throw refuse(
      `${prefix}_SECRET, ${prefix}_SECRET_FILE and ${prefix}_KMS: expected one of them, found ${given.length}`,
    );
  }
  if (secret !== undefined && secret !== '') return { kind: 'environment', secret: new Concealed(secret) };
  if (file !== undefined && file !== '') return { kind: 'file', path: file };
  if (keyArn === undefined || keyArn === '') return { kind: 'file' };
  const region = /^arn:[\w-]+:kms:([a-z0-9-]+):\d{12}:(?:key|alias)\/.+$/.exec(keyArn)?.[1];
  if (region === undefined) throw refuse(`${prefix}_KMS=${keyArn}: expected the ARN of a KMS key`);
  const url = environment[`${prefix}_KMS_ENDPOINT`] ?? `https://kms.${region}.amazonaws.com`;
  if (!URL.canParse(url))
    throw refuse(`${prefix}_KMS_ENDPOINT=${url}: expected a URL such as https://kms.${region}.amazonaws.com`);
  const of = (name: string): string | undefined => environment[`${prefix}_KMS_${name}`] ?? environment[`AWS_${name}`];
  const [accessKeyId, secretKey, sessionToken] = [of('ACCESS_KEY_ID'), of('SECRET_ACCESS_KEY'), of('SESSION_TOKEN')];
  if (accessKeyId === undefined || secretKey === undefined) {
    throw refuse(
      `${prefix}_KMS needs credentials: set ${prefix}_KMS_ACCESS_KEY_ID and ${prefix}_KMS_SECRET_ACCESS_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    );
  }
  const concealed = new Concealed(secretKey);
  return {
    kind: 'kms',
    keyArn,
    url,
    region,
    credentials: () => ({
      accessKeyId,
      secretAccessKey: concealed.reveal(),
      ...(sessionToken === undefined ? {} : { sessionToken }),
    }),
  };
}

/** For people: which kind, where. */
export function settingWords(setting: MasterSecretSetting): string {
  switch (setting.kind) {
    case 'environment':
      return 'in the environment (SLUICE_MASTER_SECRET)';
    case 'kms':
      return `the KMS key ${setting.keyArn} at ${setting.url}`;
    case 'file':
      return setting.path === undefined ? 'the file master-secret in the state folder' : `the file ${setting.path}`;
    default: {
      const never: never = setting;
      return never;
    }
  }
}
