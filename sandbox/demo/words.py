"""Every sentence of the demo, in English and Simplified Chinese."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Places in braces are filled by whoever speaks the sentence."""

    language: str
    locale: str
    # options
    about: str
    about_script: str
    about_language: str
    about_keep: str
    # on the way up and down
    emulators_run: str  # {coze} {slack} {discord}
    starting_bridge: str
    bridge_ready: str  # {seconds}
    bridge_died: str  # {code}
    bridge_died_later: str  # {code}
    not_connected: str  # {seconds}
    log_follows: str
    kept: str  # {folder}
    # the timeline
    direct: str
    chat_created: str  # {chat} {conversation}
    first_words: str
    answer_complete: str  # {chars}
    chars: str  # {count}
    thinking: str  # {status}
    types: str
    socket_open: str
    socket_closed: str
    process_started: str  # {process}
    process_stopped: str  # {code}
    delivered_again: str  # {name}
    reacted: str  # {name}
    refused: str  # {method} {error}
    # scenes
    mention_title: str
    mention_question: str
    follow_up_title: str
    follow_up_question: str
    post_title: str
    post_question: str
    restart_title: str
    after_restart_question: str
    direct_title: str
    direct_question: str
    discord_mention_title: str
    discord_mention_question: str
    discord_follow_up_question: str
    discord_after_restart_question: str
    discord_direct_question: str
    image_title: str
    image_question: str
    discord_image_question: str
    clock_note: str
    # the verdict
    scene: str
    platform: str
    steps: str
    first_after: str
    final_after: str
    exact: str
    conversation: str
    remembers: str
    same: str  # {id}
    fresh: str  # {id}
    yes: str
    no: str
    all_well: str  # {seconds}
    # what can fail
    not_answered: str  # {scene} {seconds}
    died_in_scene: str  # {scene} {code}
    restart_failed: str  # {code}
    too_few_steps: str  # {scene} {steps} {wanted}
    not_exact: str  # {scene}
    wrong_conversation: str  # {scene}
    forgot: str  # {scene}
    image_lost: str  # {scene}
    asked_often: str  # {scene} {times}
    violation: str  # {service} {name} {detail}
    # live
    hints: str
    help: str
    you_are: str  # {name} {service} {place}
    in_channel: str
    in_thread: str  # {number}
    in_post: str
    nobody: str  # {name} {people}
    no_thread: str  # {service} {number}
    no_command: str  # {command}
    nothing_to_send: str
    no_forum: str
    answer_in: str  # {service} {place} {number}
    slow_on: str
    slow_off: str
    goodbye: str


EN = Words(
    language="en",
    locale="en-US",
    about="The real bridge between a Coze, a Slack and a Discord that are emulated on this machine: no accounts, no "
    "network. Without options you type as a user of Slack and Discord and watch both.",
    about_script="play eleven scenes in Slack and Discord at the same time, print what the emulators saw and a "
    "verdict; exit code 0 if everything held",
    about_language="of everything that is printed [default: auto, from LANG]",
    about_keep="leave the temporary folder (configuration, store, log) behind",
    emulators_run="Coze runs at {coze}, Slack at {slack}, Discord at {discord}.",
    starting_bridge="Starting the bridge …",
    bridge_ready="The bridge is connected on both sides, {seconds:.1f} s after its start.",
    bridge_died="The bridge ended by itself (exit code {code}) before it was connected.",
    bridge_died_later="The bridge ended by itself (exit code {code}).",
    not_connected="The bridge did not connect within {seconds:g} s.",
    log_follows="The last lines it wrote:",
    kept="Kept: {folder}",
    direct="direct",
    chat_created="chat {chat} in conversation {conversation}",
    first_words="first words leave",
    answer_complete="answer complete, {chars} characters",
    chars="{count} chars",
    thinking="coze {status}",
    types="is typing…",
    socket_open="a socket is open",
    socket_closed="the socket is closed",
    process_started="started, process {process}",
    process_stopped="stopped, exit code {code}",
    delivered_again="{name} delivered again",
    reacted=":{name}:",
    refused="{method} refused: {error}",
    mention_title="A mention in a channel",
    mention_question="How do I ship a small service without fear?",
    follow_up_title="Somebody else follows up in it, without a mention",
    follow_up_question="And what if it breaks at night?",
    post_title="A forum post, without a mention",
    post_question="Which test do I write first?",
    restart_title="The bridge is restarted, the thread goes on",
    after_restart_question="Do you still remember what we talked about?",
    direct_title="A direct message",
    direct_question="你好！怎样才能学好一门新的编程语言？",
    discord_mention_title="A mention, answered in a thread of its own",
    discord_mention_question="What makes a code review worth its time?",
    discord_follow_up_question="And if nobody has the time for one?",
    discord_after_restart_question="What did we ask you here so far?",
    discord_direct_question="你好！怎样才能每天都写一点代码？",
    image_title="An image asked about",
    image_question="What does this picture show?",
    discord_image_question="Is anything wrong with this picture?",
    clock_note="Seconds since the start, by the clock of the emulators",
    scene="Scene",
    platform="On",
    steps="Grew in",
    first_after="First words",
    final_after="Whole",
    exact="Exact text",
    conversation="Coze conversation",
    remembers="Remembers",
    same="{id} same",
    fresh="{id} new",
    yes="yes",
    no="NO",
    all_well="Everything held, in {seconds:.1f} s. First words and whole answer: milliseconds from leaving Coze "
    "to being visible.",
    not_answered="“{scene}”: no whole answer was visible within {seconds:g} s.",
    died_in_scene="“{scene}”: the bridge ended by itself, exit code {code}.",
    restart_failed="The bridge did not stop cleanly: exit code {code}.",
    too_few_steps="“{scene}”: the answer grew in {steps} steps, at least {wanted} were expected.",
    not_exact="“{scene}”: what is shown is not exactly what the agent said.",
    wrong_conversation="“{scene}”: the question did not reach the Coze conversation it belongs to.",
    forgot="“{scene}”: the agent did not see what was said before.",
    image_lost="“{scene}”: the image did not reach Coze byte for byte.",
    asked_often="“{scene}”: Coze was asked {times} times instead of once.",
    violation="{service} has something against the bridge: {name} {detail}",
    hints="Type to ask @coze · /slack  /discord  /both TEXT  /dm TEXT  /thread N  /channel  /as NAME  /help  /quit",
    help="""What you type is sent by the person you are, on the service you are on:
  /slack, /discord   go there; with a text behind it: and say it there
  /both TEXT  ask on both at the same time
  TEXT        in #general: a mention of @coze; in a thread: a plain reply, which it follows
  /say TEXT   without a mention, to your colleagues
  /dm TEXT    a direct message to @coze
  /post TEXT  a post in Discord's forum #help, answered without a mention
  /thread N   go into the thread with the number N;  /channel  back to #general
  /as NAME    be somebody else: ann, ben or li (who reads Chinese)
  /slow       let the agent speak slowly; again: as before
  /quit       end (so do ctrl-D and ctrl-C)
The bridge itself obeys !new, !stop, !status and !help.""",
    you_are="{name} on {service}, {place}",
    in_channel="#general",
    in_thread="thread {number}",
    in_post="post",
    nobody="There is no {name} here; there are {people}.",
    no_thread="There is no thread {number} on {service} yet.",
    no_command="{command} is no command; /help lists them.",
    nothing_to_send="There is nothing to send; put the text behind it.",
    no_forum="There is no forum on Slack; go to /discord first.",
    answer_in="{service}, {place}, thread {number}:",
    slow_on="The agent speaks slowly now.",
    slow_off="The agent speaks as before.",
    goodbye="Stopping the bridge …",
)

ZH = Words(
    language="zh",
    locale="zh-CN",
    about="真正的 coze-bridge，运行在本机模拟的扣子、Slack 和 Discord 之间：不需要账号，也不需要网络。"
    "不带选项时，你以 Slack 和 Discord 用户的身份输入，并实时观看两边的频道。",
    about_script="在 Slack 和 Discord 上同时演示十一个场景，打印模拟器看到的一切和结论；全部符合时退出码为 0",
    about_language="输出所用的语言（默认 auto：由 LANG 决定）",
    about_keep="保留临时目录（配置、存储、日志）",
    emulators_run="扣子模拟器：{coze}，Slack 模拟器：{slack}，Discord 模拟器：{discord}。",
    starting_bridge="正在启动 coze-bridge …",
    bridge_ready="coze-bridge 已连接两个平台，用时 {seconds:.1f} 秒。",
    bridge_died="coze-bridge 在连接之前自行退出（退出码 {code}）。",
    bridge_died_later="coze-bridge 自行退出（退出码 {code}）。",
    not_connected="coze-bridge 在 {seconds:g} 秒内没有连接上。",
    log_follows="它最后写下的日志：",
    kept="已保留：{folder}",
    direct="私信",
    chat_created="对话 {chat} 开始，会话 {conversation}",
    first_words="发出最初的文字",
    answer_complete="回答完成，共 {chars} 字",
    chars="{count} 字",
    thinking="coze {status}",
    types="正在输入…",
    socket_open="连接已建立",
    socket_closed="连接已关闭",
    process_started="已启动，进程 {process}",
    process_stopped="已停止，退出码 {code}",
    delivered_again="再次投递 {name}",
    reacted=":{name}:",
    refused="{method} 被拒绝：{error}",
    mention_title="在频道里 @ 智能体",
    mention_question="怎样才能放心地发布一个小服务？",
    follow_up_title="另一个人在其中追问，不用 @",
    follow_up_question="如果半夜出了故障呢？",
    post_title="论坛里的帖子，不用 @",
    post_question="应该先写哪个测试？",
    restart_title="重启 coze-bridge，话题继续",
    after_restart_question="你还记得我们刚才聊过什么吗？",
    direct_title="私信",
    direct_question="你好！怎样才能学好一门新的编程语言？",
    discord_mention_title="@ 智能体，在新的子区里回答",
    discord_mention_question="怎样的代码评审才值得花时间？",
    discord_follow_up_question="如果没有人有时间评审呢？",
    discord_after_restart_question="到目前为止我们问过你什么？",
    discord_direct_question="你好！怎样才能每天都写一点代码？",
    image_title="拿一张图片提问",
    image_question="这张图片里是什么？",
    discord_image_question="这张图片有什么不对吗？",
    clock_note="左列：启动以来的秒数，由模拟器计时",
    scene="场景",
    platform="平台",
    steps="增长步数",
    first_after="最初的文字",
    final_after="完整回答",
    exact="文字一致",
    conversation="扣子会话",
    remembers="记得上文",
    same="{id} 同一个",
    fresh="{id} 新的",
    yes="是",
    no="否",
    all_well="全部符合，用时 {seconds:.1f} 秒。“最初的文字”和“完整回答”：从离开扣子到在聊天中可见的毫秒数。",
    not_answered="“{scene}”：{seconds:g} 秒内没有看到完整的回答。",
    died_in_scene="“{scene}”：coze-bridge 自行退出，退出码 {code}。",
    restart_failed="coze-bridge 没有正常停止：退出码 {code}。",
    too_few_steps="“{scene}”：回答只分 {steps} 步出现，至少应有 {wanted} 步。",
    not_exact="“{scene}”：显示的文字与智能体所说的不完全一致。",
    wrong_conversation="“{scene}”：问题没有进入它所属的扣子会话。",
    forgot="“{scene}”：智能体没有看到之前的内容。",
    image_lost="“{scene}”：图片没有原样到达扣子。",
    asked_often="“{scene}”：向扣子提问了 {times} 次，本应只有一次。",
    violation="{service} 对 coze-bridge 有意见：{name} {detail}",
    hints="直接输入即可向 @coze 提问 · /slack  /discord  /both 文字  /dm 文字  /thread N  /channel  /as 名字  "
    "/help  /quit",
    help="""你输入的内容，由你当前扮演的人、在你所在的平台上发出：
  /slack、/discord   切换平台；后面带文字时，同时在那里发出
  /both 文字  在两个平台上同时提问
  文字        在 #general 里：@coze 提问；在话题里：普通回复，它会跟着回答
  /say 文字   不 @ 任何人，对同事说话
  /dm 文字    给 @coze 发私信
  /post 文字  在 Discord 论坛 #help 里发帖，不用 @ 也会得到回答
  /thread N   进入编号为 N 的话题；/channel 回到 #general
  /as 名字    换一个人：ann、ben 或 li
  /slow       让智能体说得慢一些；再次输入则恢复
  /quit       结束（ctrl-D 和 ctrl-C 也可以）
!new、!stop、!status、!help（或 新对话、停止、状态、帮助）由 coze-bridge 自己处理。""",
    you_are="{name} 在 {service}，{place}",
    in_channel="#general",
    in_thread="话题 {number}",
    in_post="帖子",
    nobody="这里没有 {name}；有 {people}。",
    no_thread="{service} 上还没有话题 {number}。",
    no_command="{command} 不是命令；/help 列出所有命令。",
    nothing_to_send="没有内容可发送，请把文字写在后面。",
    no_forum="Slack 没有论坛；请先输入 /discord。",
    answer_in="{service}，{place}，话题 {number}：",
    slow_on="智能体现在说得慢一些。",
    slow_off="智能体恢复原来的速度。",
    goodbye="正在停止 coze-bridge …",
)

WORDS = {"en": EN, "zh": ZH}
