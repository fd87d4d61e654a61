using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Cogo.Workers.Indexing;

/// <summary>What a node declares.</summary>
/// <param name="Signature">What stands after the kind, on one line or several.</param>
/// <param name="Position">Of the name.</param>
/// <param name="Holds">Other declarations stand in it.</param>
internal sealed record CSharpDeclaration(string Name, string Kind, string Signature, int Position, bool Holds = false)
{
    /// <summary>Null for what is no declaration that anyone would look for.</summary>
    public static CSharpDeclaration? Of(SyntaxNode node) => node switch
    {
        BaseNamespaceDeclarationSyntax space => new(space.Name.ToString(), "namespace", space.Name.ToString(), space.Name.SpanStart, true),
        RecordDeclarationSyntax record => Type(record, record.ClassOrStructKeyword.ValueText == "struct" ? "record struct" : "record", record.TypeParameterList, record.ParameterList),
        ClassDeclarationSyntax type => Type(type, "class", type.TypeParameterList, type.ParameterList),
        StructDeclarationSyntax type => Type(type, "struct", type.TypeParameterList, type.ParameterList),
        InterfaceDeclarationSyntax type => Type(type, "interface", type.TypeParameterList, null),
        EnumDeclarationSyntax type => Type(type, "enum", null, null),
        DelegateDeclarationSyntax made => Named(made.Identifier, "delegate", $"{made.ReturnType} {made.Identifier.ValueText}{made.TypeParameterList}{made.ParameterList}"),
        MethodDeclarationSyntax method => Named(method.Identifier, "method", $"{method.ReturnType} {method.ExplicitInterfaceSpecifier}{method.Identifier.ValueText}{method.TypeParameterList}{method.ParameterList}"),
        ConstructorDeclarationSyntax made => Named(made.Identifier, "constructor", $"{made.Identifier.ValueText}{made.ParameterList}"),
        LocalFunctionStatementSyntax function => Named(function.Identifier, "function", $"{function.ReturnType} {function.Identifier.ValueText}{function.TypeParameterList}{function.ParameterList}"),
        PropertyDeclarationSyntax property => Named(property.Identifier, "property", $"{property.Type} {property.ExplicitInterfaceSpecifier}{property.Identifier.ValueText}"),
        IndexerDeclarationSyntax indexer => new("this", "indexer", $"{indexer.Type} this{indexer.ParameterList}", indexer.ThisKeyword.SpanStart),
        OperatorDeclarationSyntax made => new($"operator {made.OperatorToken.ValueText}", "operator", $"{made.ReturnType} operator {made.OperatorToken.ValueText}{made.ParameterList}", made.OperatorToken.SpanStart),
        EventDeclarationSyntax made => Named(made.Identifier, "event", $"{made.Type} {made.Identifier.ValueText}"),
        EnumMemberDeclarationSyntax member => Named(member.Identifier, "enum member", member.Identifier.ValueText),
        VariableDeclaratorSyntax { Parent: VariableDeclarationSyntax { Parent: BaseFieldDeclarationSyntax field } variables } variable => Named(
            variable.Identifier,
            field is EventFieldDeclarationSyntax ? "event" : "field",
            $"{variables.Type} {variable.Identifier.ValueText}"),
        _ => null,
    };

    private static CSharpDeclaration Named(SyntaxToken name, string kind, string signature) => new(name.ValueText, kind, signature, name.SpanStart);

    private static CSharpDeclaration Type(BaseTypeDeclarationSyntax type, string kind, TypeParameterListSyntax? parameters, ParameterListSyntax? primary) =>
        new(type.Identifier.ValueText, kind, $"{type.Identifier.ValueText}{parameters}{primary}{(type.BaseList is null ? "" : $" {type.BaseList}")}", type.Identifier.SpanStart, true);
}
