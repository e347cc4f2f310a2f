/**
 * The catalogue: coding assistants. Their instructions are held like their settings, because an assistant
 * acts on them with the user's rights, unasked.
 */
import { type AutoExecutedRule, held } from './rule.js';

const obeys = 'a coding assistant follows its instructions, or runs what it names';

export const agentRules = (): readonly AutoExecutedRule[] => [
  held(
    obeys,
    'https://agents.md/',
    'agents.md agent.md agents.local.md agents.override.md .agents/ .agent/ ~/.agents/',
  ),
  held(
    obeys,
    'https://code.claude.com/docs/en/settings',
    `claude.md claude.local.md .claude/ .claude.json
    .claude-plugin/ ~/.claude/`,
  ),
  held(obeys, 'https://modelcontextprotocol.io/docs/', '.mcp.json mcp.json .mcp/ '),
  held(obeys, 'https://developers.openai.com/codex/guides/agents-md', '.codex/ ~/.codex/'),
  held(
    obeys,
    'https://geminicli.com/docs/reference/configuration',
    'gemini.md .gemini/ ~/.gemini/',
  ),
  held(obeys, 'https://qwenlm.github.io/qwen-code-docs/', 'qwen.md .qwen/ ~/.qwen/'),
  held(
    obeys,
    'https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-custom-instructions',
    `
    .github/copilot-instructions.md .github/instructions/ .github/prompts/ .github/agents/ .github/skills/
    .github/hooks/ .github/chatmodes/ .github/copilot/ .github/mcp.json .copilot/ copilot-instructions.md
    .copilot-instructions.md *.instructions.md ~/.copilot/`,
  ),
  held(obeys, 'https://cursor.com/docs/context/rules', '.cursorrules .cursor/ ~/.cursor/'),
  held(
    obeys,
    'https://docs.windsurf.com/windsurf/cascade/memories',
    '.windsurf* .windsurf/ .codeium/ .devin/ ~/.codeium/',
  ),
  held(
    obeys,
    'https://docs.roocode.com/features/custom-instructions',
    '.roo/ .roorules* .roomodes .kilocode/ .kilocoderules* .kilocodemodes .kilo/ kilo.json kilo.jsonc',
  ),
  held(
    obeys,
    'https://docs.cline.bot/customization/cline-rules',
    '.clinerules* .clinerules/ .cline/',
  ),
  held(
    obeys,
    'https://docs.continue.dev/customize/deep-dives/configuration',
    '.continue/ .continuerc.json .continuerules ~/.continue/',
  ),
  held(obeys, 'https://aider.chat/docs/config/aider_conf.html', '.aider*'),
  held(
    obeys,
    'https://docs.aws.amazon.com/amazonq/latest/qdeveloper-ug/context-project-rules.html',
    '.amazonq/ ~/.aws/amazonq/',
  ),
  held(obeys, 'https://kiro.dev/docs/steering/', '.kiro/ ~/.kiro/'),
  held(
    obeys,
    'https://opencode.ai/docs/config/',
    '.opencode/ opencode.json opencode.jsonc ~/.config/opencode/',
  ),
  held(
    obeys,
    'https://github.com/charmbracelet/crush',
    'crush.md crush.local.md crush.json .crush.json .crush/',
  ),
  held(
    obeys,
    'https://block.github.io/goose/docs/guides/using-goosehints',
    '.goosehints .goosehints.local .goose/',
  ),
  held(obeys, 'https://docs.warp.dev/knowledge-and-collaboration/rules', 'warp.md .warp/'),
  held(
    obeys,
    'https://www.jetbrains.com/help/junie/customize-guidelines.html',
    '.junie/ .aiassistant/ .aiignore',
  ),
  held(
    obeys,
    'https://docs.augmentcode.com/setup-augment/guidelines',
    '.augment/ .augment-guidelines ~/.augment/',
  ),
  held(obeys, 'https://zed.dev/docs/ai/rules', '.rules'),
  held(obeys, 'https://ampcode.com/manual', '.amp/ ~/.config/amp/'),
  held(obeys, 'https://docs.factory.ai/', '.factory/ ~/.factory/'),
  held(obeys, 'https://docs.all-hands.dev/', '.openhands/ .openhands_instructions'),
  held(
    obeys,
    'https://firebase.google.com/docs/studio/set-up-gemini',
    '.idx/ firebender.json .firebender/',
  ),
  held(
    obeys,
    'https://github.com/intellectronica/ruler',
    `.ruler/ .trae/ .vibe/ .pi/ .tabnine/ .cody/ .sourcegraph/
    .codebuddy/ .zencoder/ .rovodev/ .plandex* replit.md`,
  ),
];
