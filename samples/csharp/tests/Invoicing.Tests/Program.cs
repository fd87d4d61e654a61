using System.Diagnostics;
using System.Reflection;
using Invoicing.Tests;

// A test runner in one screen, so that the sample needs no package: public methods of classes named *Tests are tests.
var results = new List<TestResult>();
foreach (var type in Assembly.GetExecutingAssembly().GetExportedTypes().Where(type => type.Name.EndsWith("Tests")).OrderBy(type => type.Name))
{
    foreach (var method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
    {
        var clock = Stopwatch.StartNew();
        Exception? failure = null;
        try
        {
            method.Invoke(Activator.CreateInstance(type), null);
        }
        catch (TargetInvocationException e)
        {
            failure = e.InnerException;
        }

        results.Add(new TestResult(type.FullName!, method.Name, clock.Elapsed, failure));
        Console.WriteLine($"{(failure is null ? "pass" : "FAIL")}  {type.Name}.{method.Name}{(failure is null ? "" : ": " + failure.Message)}");
    }
}

if (args is [var path])
    Trx.Write(path, results);
return results.TrueForAll(result => result.Failure is null) ? 0 : 1;
