from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI

from flows import BASE, COUNT, FAIL, FILE_SEEN, PNG, TEXT_FILE, TOKEN, WEATHER, check, includes, run, thrown


def model(**more):
    return ChatOpenAI(model="fake-1", base_url=f"{BASE}/v1", api_key=TOKEN, max_retries=0, **more)


MODELS = [model(), model(use_responses_api=True)]


def text_of(message):
    text = message.text
    return text() if callable(text) and not isinstance(text, str) else text


def each(work):
    def both():
        for one in MODELS:
            work(one)

    return both


def see(part, what):
    def work(one):
        content = [{"type": "text", "text": "See?"}, part]
        includes(text_of(one.invoke([HumanMessage(content=content)])), what)

    return each(work)


def stream(one):
    includes("".join(text_of(piece) for piece in one.stream("Hello")), "You said: Hello")


def many_turns(one):
    messages = []
    for question in ["One", "Two", COUNT]:
        messages.append(HumanMessage(question))
        messages.append(one.invoke(messages))
    includes(text_of(messages[-1]), "3 questions")


def tools(one):
    weather = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    bound = one.bind_tools([weather])
    question = HumanMessage("Weather?")
    call = bound.invoke([question])
    result = ToolMessage("sunny", tool_call_id=call.tool_calls[0]["id"])
    includes(text_of(bound.invoke([question, call, result])), "sunny")


def structured(one):
    schema = {"title": "Weather", "description": "Where", **WEATHER}
    found = one.with_structured_output(schema, method="json_schema").invoke("Where?")
    check(found["city"] == "Paris", "should keep to the schema", found)


def branch():
    one = MODELS[1]
    root = one.invoke("Root").response_metadata["id"]
    one.invoke("Left", previous_response_id=root)
    right = one.invoke("Right", previous_response_id=root).response_metadata["id"]
    includes(text_of(one.invoke(COUNT, previous_response_id=right)), "3 questions")


def error(one):
    failed = thrown(lambda: one.invoke(FAIL))
    check(getattr(failed, "status_code", 0) >= 500, "should be an HTTP error", failed)


run({
    "plain": each(lambda one: includes(text_of(one.invoke("Hello")), "You said: Hello")),
    "stream": each(stream),
    "many turns": each(many_turns),
    "tools": each(tools),
    "structured": each(structured),
    "picture": see({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, "1 image_url"),
    "file": see(
        {"type": "file", "base64": TEXT_FILE, "mime_type": "text/plain", "filename": "a.txt"}, FILE_SEEN
    ),
    "branch": branch,
    "session": "has no sessions of its own",
    "error": each(error),
    "resume": "resumes no stream",
    "cancel": "ends a stream by closing it alone",
})
