/** A client of the AWS SDK for the server that the environment names, else the one that `sluice start` starts. */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

export function client(Client) {
  const { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION } = process.env;
  return new Client({
    endpoint: AWS_ENDPOINT_URL ?? 'http://127.0.0.1:4566',
    region: AWS_DEFAULT_REGION ?? 'us-east-1',
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID ?? 'test', secretAccessKey: AWS_SECRET_ACCESS_KEY ?? 'test' },
  });
}
