namespace Cogo.Tests.Conformance;

public sealed class JobDeliveryOnPostgres15Tests() : DeliveryConformance(() => JobDriver.CreateAsync(15));

public sealed class JobDeliveryOnPostgres18Tests() : DeliveryConformance(() => JobDriver.CreateAsync(18));

public sealed class JobFenceOnPostgres15Tests() : JobFenceConformance(() => JobDriver.CreateAsync(15));

public sealed class JobFenceOnPostgres18Tests() : JobFenceConformance(() => JobDriver.CreateAsync(18));

public sealed class JobHandlerOnPostgres15Tests() : HandlerConformance(() => JobDriver.CreateAsync(15));

public sealed class JobHandlerOnPostgres18Tests() : HandlerConformance(() => JobDriver.CreateAsync(18));
