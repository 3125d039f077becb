/** The curated images, as users name them in projects. Their names are accepted; none of them is run. */
import type { ListCuratedEnvironmentImagesInput, ListCuratedEnvironmentImagesOutput } from '@aws-sdk/client-codebuild';
import { operation } from '../service.ts';

type Image = Readonly<{ name: string; description: string; versions: string[] }>;

const image = (name: string, description: string): Image => ({ name, description, versions: [name] });

const UBUNTU = [
  image('aws/codebuild/standard:5.0', 'Ubuntu 20.04'),
  image('aws/codebuild/standard:6.0', 'Ubuntu 22.04'),
  image('aws/codebuild/standard:7.0', 'Ubuntu 22.04'),
  image('aws/codebuild/standard:8.0', 'Ubuntu 24.04'),
];
const AMAZON_LINUX = [
  image('aws/codebuild/amazonlinux-x86_64-standard:4.0', 'Amazon Linux 2'),
  image('aws/codebuild/amazonlinux-x86_64-standard:5.0', 'Amazon Linux 2023'),
  image('aws/codebuild/amazonlinux-x86_64-standard:6.0', 'Amazon Linux 2023'),
  image('aws/codebuild/amazonlinux-aarch64-standard:2.0', 'Amazon Linux 2'),
  image('aws/codebuild/amazonlinux-aarch64-standard:3.0', 'Amazon Linux 2023'),
];

export const listCuratedEnvironmentImages = operation<
  ListCuratedEnvironmentImagesInput,
  ListCuratedEnvironmentImagesOutput
>({
  async handle() {
    return {
      platforms: [
        { platform: 'UBUNTU', languages: [{ language: 'BASE', images: UBUNTU }] },
        { platform: 'AMAZON_LINUX', languages: [{ language: 'BASE', images: AMAZON_LINUX }] },
      ],
    };
  },
});
