export { combineCrc32, combineCrc32c, combineCrc64nvme, Crc32c, Crc64nvme } from './crc.ts';
