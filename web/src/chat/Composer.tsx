import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { type Said, upload } from '../api/banyan';
import type { FileInfo, QuestionPart } from '../api/types';
import { Icon } from '../app/Icon';
import { attempt } from '../app/notices';

interface Props {
  label: string;
  busy: boolean;
  initial?: string;
  onSay: (said: Said) => Promise<void>;
  onStop?: () => void;
  onCancel?: () => void;
}

export function Composer({ label, busy, initial = '', onSay, onStop, onCancel }: Props) {
  const [text, setText] = useState(initial);
  const [files, setFiles] = useState<FileInfo[]>([]);
  const [isSending, setSending] = useState(false);
  const area = useGrowing(text);
  const add = (chosen: Iterable<File>): void =>
    attempt(async () => {
      for (const file of chosen) {
        const kept = await upload(file);
        setFiles((before) => [...before, kept]);
      }
    });
  const submit = (): void => {
    if (isSending || (text.trim() === '' && files.length === 0)) return;
    setSending(true);
    attempt(async () => {
      try {
        await onSay(saidOf(text, files));
        setText('');
        setFiles([]);
      } finally {
        setSending(false);
        area.current?.focus();
      }
    });
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') (onCancel ?? (() => area.current?.blur()))();
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onDrop={(event) => {
        if (event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        add(event.dataTransfer.files);
      }}
    >
      <Attached files={files} onChange={setFiles} />
      <textarea
        ref={area}
        rows={1}
        value={text}
        dir="auto"
        autoFocus={initial !== ''}
        aria-label={label}
        placeholder={label}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={press}
        onPaste={({ clipboardData }) => clipboardData.files.length > 0 && add(clipboardData.files)}
      />
      <FileButton onAdd={add} />
      <Buttons {...{ busy, isSending, onStop, onCancel }} />
    </form>
  );
}

/** As high as its text, up to two fifths of the window. */
function useGrowing(text: string) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const { current } = area;
    if (!current) return;
    current.style.height = 'auto';
    current.style.height = `${Math.min(current.scrollHeight + 2, innerHeight * 0.4)}px`;
  }, [text]);
  return area;
}

function Attached(props: { files: FileInfo[]; onChange: (files: FileInfo[]) => void }) {
  const { files, onChange } = props;
  if (files.length === 0) return null;
  return (
    <ul className="attached">
      {files.map((file) => (
        <li key={file.file_id}>
          <Icon of="attach" /> {file.name ?? file.media_type}
          <button
            type="button"
            className="icon"
            aria-label={`Leave out ${file.name ?? 'the file'}`}
            onClick={() => onChange(files.filter((other) => other !== file))}
          >
            <Icon of="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function FileButton({ onAdd }: { onAdd: (files: Iterable<File>) => void }) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={picker}
        type="file"
        aria-label="Files"
        multiple
        hidden
        onChange={({ target }) => onAdd(target.files ?? [])}
      />
      <button
        type="button"
        className="icon"
        aria-label="Add a file"
        onClick={() => picker.current?.click()}
      >
        <Icon of="attach" />
      </button>
    </>
  );
}

function Buttons(props: Pick<Props, 'busy' | 'onStop' | 'onCancel'> & { isSending: boolean }) {
  const { busy, isSending, onStop, onCancel } = props;
  return (
    <>
      {onCancel && (
        <button type="button" className="secondary" onClick={onCancel}>
          Cancel
        </button>
      )}
      {busy && onStop ? (
        <button type="button" className="primary stop" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" className="primary" disabled={isSending}>
          Send
        </button>
      )}
    </>
  );
}

function saidOf(text: string, files: readonly FileInfo[]): Said {
  if (files.length === 0) return { question: text };
  const named = files.map(({ file_id, media_type, name }): QuestionPart => ({
    type: 'file',
    file_id,
    media_type,
    ...(name !== null && { name }),
  }));
  const words: QuestionPart[] = text.trim() === '' ? [] : [{ type: 'text', text }];
  return { question_parts: [...words, ...named] };
}
