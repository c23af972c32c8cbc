from openai import OpenAI
from pydantic import BaseModel

from flows import (
    BASE, COUNT, FAIL, FILE_SEEN, HANG, PNG, SLOW, SLOW_ANSWER, TEXT_FILE, TOKEN, WEATHER, check, includes, run, thrown,
)

client = OpenAI(base_url=f"{BASE}/v1", api_key=TOKEN, max_retries=0)
MODEL = "fake-1"


class Place(BaseModel):
    city: str


def ask(said, **more):
    return client.responses.create(model=MODEL, input=said, **more)


def complete(content, **more):
    return client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": content}], **more
    )


def user(*content):
    return [{"role": "user", "content": list(content)}]


def plain():
    includes(ask("Hello").output_text, "You said: Hello")
    includes(complete("Hello").choices[0].message.content, "You said: Hello")


def stream():
    text = "".join(e.delta for e in ask("Hello", stream=True) if e.type == "response.output_text.delta")
    includes(text, "You said: Hello")
    chunks = complete("Hello", stream=True)
    includes("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), "You said: Hello")


def many_turns():
    first = ask("One")
    second = ask("Two", previous_response_id=first.id)
    includes(ask(COUNT, previous_response_id=second.id).output_text, "3 questions")


def tools():
    weather = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
    asked = ask("Weather?", tools=[weather])
    call = next(item for item in asked.output if item.type == "function_call")
    output = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]
    done = ask(output, tools=[weather], previous_response_id=asked.id)
    includes(done.output_text, "The tool says: sunny")


def structured():
    parsed = client.responses.parse(model=MODEL, input="Where?", text_format=Place).output_parsed
    check(parsed.city == "Paris", "should keep to the schema", parsed)


def picture():
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    includes(ask(user(image, {"type": "input_text", "text": "See?"})).output_text, "1 image_url")


def file():
    data = f"data:text/plain;base64,{TEXT_FILE}"
    part = {"type": "input_file", "filename": "trees.txt", "file_data": data}
    includes(ask(user(part, {"type": "input_text", "text": "Read it"})).output_text, FILE_SEEN)


def branch():
    root = ask("Root")
    ask("Left", previous_response_id=root.id)
    right = ask("Right", previous_response_id=root.id)
    includes(ask(COUNT, previous_response_id=right.id).output_text, "3 questions")


def session():
    conversation = client.conversations.create()
    ask("One", conversation=conversation.id)
    includes(ask(COUNT, conversation=conversation.id).output_text, "2 questions")
    items = list(client.conversations.items.list(conversation.id, order="asc"))
    check(len(items) == 4, "should have four items", items)


def error():
    failed = thrown(lambda: ask(FAIL))
    check(getattr(failed, "status_code", 0) >= 500, "should be an HTTP error", failed)


def resume():
    text, at, response_id = "", None, None
    for event in ask(SLOW, stream=True, background=True):
        response_id = response_id or event.response.id
        at = event.sequence_number
        if event.type == "response.output_text.delta":
            text += event.delta
            break
    for event in client.responses.retrieve(response_id, stream=True, starting_after=at):
        if event.type == "response.output_text.delta":
            text += event.delta
    check(text == SLOW_ANSWER, "should have all of it", text)


def cancel():
    response = ask(HANG, background=True)
    client.responses.cancel(response.id)
    check(client.responses.retrieve(response.id).status == "cancelled", "should be cancelled")


run({
    "plain": plain, "stream": stream, "many turns": many_turns, "tools": tools,
    "structured": structured, "picture": picture, "file": file, "branch": branch,
    "session": session, "error": error, "resume": resume, "cancel": cancel,
})
