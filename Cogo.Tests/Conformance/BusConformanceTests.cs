namespace Cogo.Tests.Conformance;

public sealed class BusDeliveryOnPostgres15Tests() : DeliveryConformance(() => BusDriver.CreateAsync(15));

public sealed class BusDeliveryOnPostgres18Tests() : DeliveryConformance(() => BusDriver.CreateAsync(18));

public sealed class BusFenceOnPostgres15Tests() : FenceConformance(() => BusDriver.CreateAsync(15));

public sealed class BusFenceOnPostgres18Tests() : FenceConformance(() => BusDriver.CreateAsync(18));

public sealed class BusHandlerOnPostgres15Tests() : HandlerConformance(() => BusDriver.CreateAsync(15));

public sealed class BusHandlerOnPostgres18Tests() : HandlerConformance(() => BusDriver.CreateAsync(18));
