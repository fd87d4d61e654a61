using OpenAI.Chat;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>What the model is told of the tools.</summary>
internal static class ToolCatalog
{
    public static IReadOnlyList<ChatTool> Tools { get; } =
    [
        Tool("list_files", "Lists the files of the project, or of one folder of it.",
            """{"type":"object","properties":{"path":{"type":"string","description":"Folder relative to the project; default: all of it"}}}"""),
        Tool("read_file", "Reads a text file, or some of its lines. Each line comes with its number and a tab, which are not part of the file.",
            """{"type":"object","properties":{"path":{"type":"string"},"start_line":{"type":"integer","description":"First line, from 1"},"end_line":{"type":"integer","description":"Last line, included"}},"required":["path"]}"""),
        Tool("search", "Finds the lines that match a regular expression in all text files of the project, or below one folder.",
            """{"type":"object","properties":{"pattern":{"type":"string"},"path":{"type":"string","description":"Folder or file; default: all"},"ignore_case":{"type":"boolean"}},"required":["pattern"]}"""),
        Tool("write_file", "Creates a file, or replaces all of it. For a small change of a large file use replace_in_file.",
            """{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]}"""),
        Tool("replace_in_file", "Replaces a piece of text that occurs exactly once in a file.",
            """{"type":"object","properties":{"path":{"type":"string"},"old":{"type":"string","description":"The text as it is in the file, with its indentation"},"new":{"type":"string"},"all":{"type":"boolean","description":"Replace every occurrence"}},"required":["path","old","new"]}"""),
        Tool("delete_file", "Deletes a file.",
            """{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}"""),
        Tool("finish", "Ends the work. Call it once the change is complete.",
            """{"type":"object","properties":{"summary":{"type":"string","description":"What was changed and why, in a sentence or two"}},"required":["summary"]}"""),
    ];

    public static IEnumerable<string> Names => Tools.Select(tool => tool.FunctionName);

    private static ChatTool Tool(string name, string description, string schema) =>
        ChatTool.CreateFunctionTool(name, description, BinaryData.FromString(schema));
}
