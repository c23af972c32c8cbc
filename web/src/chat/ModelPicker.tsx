import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { fanOut, listModels, updateChat } from '../api/banyan';
import type { Pair } from '../api/types';
import { Dialog } from '../app/Dialog';
import { attempt, say } from '../app/notices';

const MODELS_MAX = 8;

/** Asks several models the same question: each answers on a branch of its own, all at once. */
export function ModelPicker(props: { chatId: string; pair: Pair; onClose: () => void }) {
  const { chatId, pair, onClose } = props;
  const [, go] = useLocation();
  const { data: models = [] } = useQuery({ queryKey: ['models'], queryFn: listModels });
  const [chosen, setChosen] = useState<string[]>([]);
  const toggle = (model: string): void =>
    setChosen(chosen.includes(model) ? chosen.filter((one) => one !== model) : [...chosen, model]);
  const ask = (): void =>
    attempt(async () => {
      // Each answer is followed in its branch; the request itself waits for all of them.
      const asked = fanOut(chatId, pair.response_id, chosen);
      onClose();
      go(`/c/${chatId}/tree`);
      const { items } = await asked;
      await Promise.all(items.map(({ chat_id, model: name }) => updateChat(chat_id, { name })));
      say(`${chosen.length} answers stand side by side.`);
    });
  return (
    <Dialog label="Ask several models" onClose={onClose}>
      <ul className="models">
        {models.map((model) => (
          <li key={model}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(model)}
                onChange={() => toggle(model)}
              />{' '}
              {model}
            </label>
          </li>
        ))}
      </ul>
      <button
        type="button"
        className="primary"
        disabled={chosen.length === 0 || chosen.length > MODELS_MAX}
        onClick={ask}
      >
        Ask {chosen.length || ''}
      </button>
    </Dialog>
  );
}
