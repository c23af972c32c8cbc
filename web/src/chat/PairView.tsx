import { memo, useState } from 'react';
import { useLocation } from 'wouter';
import { edit } from '../api/banyan';
import type { Pair, Standing } from '../api/types';
import { Icon } from '../app/Icon';
import { Composer } from './Composer';
import { Code, Markdown } from './Markdown';
import { ModelPicker } from './ModelPicker';
import { Parts } from './Parts';
import { useAnswer } from './useAnswer';
import { canRetry, usePairActs } from './usePairActs';

interface Props {
  chatId: string;
  pair: Pair;
  isCurrent: boolean;
  isEditing: boolean;
  onEdit: (isEditing: boolean) => void;
}

export const PairView = memo((props: Props) => {
  const { chatId, pair, isCurrent, isEditing, onEdit } = props;
  const [, go] = useLocation();
  const growing = useAnswer(pair);
  const isWritten = pair.status === 'streaming';
  return (
    <article
      id={`m-${pair.response_id}`}
      className={`pair${isCurrent ? ' current' : ''}`}
      aria-label={`Message ${pair.seq}`}
    >
      {isEditing ? (
        <Composer
          label="Another question in this place"
          initial={pair.question ?? ''}
          busy={false}
          onCancel={() => onEdit(false)}
          onSay={async (said) => {
            const { chat_id } = await edit(chatId, pair.response_id, said);
            onEdit(false);
            go(`/c/${chat_id}`);
          }}
        />
      ) : (
        <Question pair={pair} />
      )}
      <div className="response">
        {growing.parts.length > 0 && <Parts parts={growing.parts} />}
        {isWritten ? (
          <>
            <Markdown text={growing.text} />
            <span className="cursor" aria-label="The answer is being written" />
          </>
        ) : (
          <Response pair={pair} />
        )}
      </div>
      <Tools {...{ chatId, pair, onEdit }} />
    </article>
  );
});

function Question({ pair }: { pair: Pair }) {
  if (pair.question === null && !pair.question_parts) return null;
  return (
    <div className="question">
      {pair.author && <small className="author">{pair.author}</small>}
      <Asked pair={pair} />
      {pair.message_type === 'link' && <LinkOf metadata={pair.metadata} />}
    </div>
  );
}

function Asked({ pair: { question, question_parts, message_type } }: { pair: Pair }) {
  if (question_parts) return <Parts parts={question_parts} />;
  if (message_type === 'code') return <Code text={question ?? ''} />;
  return (
    <p className="said" dir="auto">
      {question}
    </p>
  );
}

function LinkOf({ metadata }: Pick<Pair, 'metadata'>) {
  const { url, title } = metadata ?? {};
  if (typeof url !== 'string' || !/^https?:/.test(url)) return null;
  return (
    <a href={url} target="_blank" rel="noreferrer noopener nofollow">
      {typeof title === 'string' ? title : url}
    </a>
  );
}

function Response({ pair }: { pair: Pair }) {
  const { response, response_parts, status, error } = pair;
  return (
    <>
      {response_parts ? (
        <Parts parts={response_parts} />
      ) : (
        response !== null &&
        (pair.message_type === 'code' ? <Code text={response} /> : <Markdown text={response} />)
      )}
      {status === 'redacted' && <p className="hint">This message was erased.</p>}
      {(status === 'failed' || status === 'interrupted' || status === 'cancelled') && (
        <p className={status === 'failed' ? 'error' : 'hint'}>
          {status === 'cancelled' ? 'Stopped.' : (error?.message ?? 'The answer was interrupted.')}
        </p>
      )}
    </>
  );
}

function Tools({ chatId, pair, onEdit }: Pick<Props, 'chatId' | 'pair' | 'onEdit'>) {
  const { again, branch } = usePairActs(chatId);
  const [isAsking, setAsking] = useState(false);
  const siblings = pair.siblings && <Siblings {...{ chatId, pair }} standing={pair.siblings} />;
  if (pair.status === 'streaming' || pair.status === 'redacted') {
    return siblings;
  }
  return (
    <footer className="pair-tools">
      {siblings}
      <button type="button" className="tool" onClick={() => branch(pair)}>
        Branch
      </button>
      <button type="button" className="tool" onClick={() => onEdit(true)}>
        Edit
      </button>
      <button type="button" className="tool" onClick={() => again(pair)}>
        {canRetry(pair) ? 'Retry' : 'Regenerate'}
      </button>
      <button type="button" className="tool" onClick={() => setAsking(true)}>
        Ask others
      </button>
      {pair.model && <small title={usageOf(pair)}>{pair.model}</small>}
      {isAsking && <ModelPicker chatId={chatId} pair={pair} onClose={() => setAsking(false)} />}
    </footer>
  );
}

const usageOf = ({ usage }: Pair): string | undefined =>
  usage
    ? `${usage.input_tokens} tokens read, ${usage.output_tokens} written` +
      (usage.first_token_ms === undefined ? '' : `, first after ${usage.first_token_ms} ms`)
    : undefined;

/** ‹2/5› */
function Siblings({ chatId, pair, standing }: { chatId: string; pair: Pair; standing: Standing }) {
  const { beside } = usePairActs(chatId);
  if (standing.total < 2) return null;
  return (
    <span className="siblings" role="group" aria-label="Other answers at this place">
      <button
        type="button"
        className="tool"
        aria-label="The one before"
        onClick={() => beside(pair, -1)}
      >
        <Icon of="before" />
      </button>
      {standing.index}/{standing.total}
      <button
        type="button"
        className="tool"
        aria-label="The next one"
        onClick={() => beside(pair, 1)}
      >
        <Icon of="next" />
      </button>
    </span>
  );
}
