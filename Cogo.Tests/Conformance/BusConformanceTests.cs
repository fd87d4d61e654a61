namespace Cogo.Tests.Conformance;

public sealed class BusDeliveryOnPostgres15Tests() : DeliveryConformance(async () => await BusDriver.CreateAsync(15));

public sealed class BusDeliveryOnPostgres18Tests() : DeliveryConformance(async () => await BusDriver.CreateAsync(18));

public sealed class BusEffectsOnPostgres15Tests() : EffectsConformance(() => BusDriver.CreateAsync(15));

public sealed class BusEffectsOnPostgres18Tests() : EffectsConformance(() => BusDriver.CreateAsync(18));

public sealed class BusFenceOnPostgres15Tests() : FenceConformance(async () => await BusDriver.CreateAsync(15));

public sealed class BusFenceOnPostgres18Tests() : FenceConformance(async () => await BusDriver.CreateAsync(18));

public sealed class BusHandlerOnPostgres15Tests() : HandlerConformance(async () => await BusDriver.CreateAsync(15));

public sealed class BusHandlerOnPostgres18Tests() : HandlerConformance(async () => await BusDriver.CreateAsync(18));
