-- System attributes that come with an SQS message or are given on the way: AWSTraceHeader, MessageGroupId, DeadLetterQueueSourceArn.
ALTER TABLE queue_messages ADD COLUMN system jsonb NOT NULL DEFAULT '{}';
