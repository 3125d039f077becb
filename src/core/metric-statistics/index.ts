export {
  leastSamplesOf,
  needsDistribution,
  parseStatistic,
  type Sample,
  type Statistic,
  statisticOf,
} from './statistics.ts';
