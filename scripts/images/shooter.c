// Crashes on a null pointer a few calls deep, on the thread "GameThread": a player fires a weapon that was dropped.
// With --loot a player picks up more than the inventory holds instead, which fails an assertion; with --vehicle a player enters a
// vehicle that was destroyed. With --calm the match ends without a crash. --player=ID joins a player with this id.
#include "engine.h"

#include <assert.h>

struct weapon {
    int ammunition;
    int damage;
    float cooldown;
};

struct player {
    char name[16];
    struct weapon *weapon;
};

struct vehicle {
    int seats;
    struct player *driver;
};

struct world {
    struct player players[8];
    struct vehicle *vehicle;
    unsigned state;
    int seconds;
    int loot;
    int enter;
    int calm;
};

__attribute__((noinline)) static int weapon_damage(struct weapon *weapon, int distance) {
    return weapon->damage - distance / 100;
}

__attribute__((noinline)) static int player_fire(struct player *player, int distance) {
    SAY("LogWeapon", "%s fires at distance %d", player->name, distance);
    int damage = weapon_damage(player->weapon, distance);
    return damage > 0 ? damage : 0;
}

__attribute__((noinline)) static int inventory_add(struct player *player, int slot) {
    SAY("LogInventory", "%s picks up an item into slot %d", player->name, slot);
    assert(slot < 16 && "inventory is full");
    return slot;
}

__attribute__((noinline)) static int vehicle_enter(struct vehicle *vehicle, struct player *player) {
    SAY("LogVehicle", "%s enters the buggy", player->name);
    vehicle->driver = player;
    return vehicle->seats - 1;
}

__attribute__((noinline)) static int world_tick(struct world *world, int frame) {
    engine_step(&world->state, "Foundry");
    struct player *player = &world->players[frame & 7];
    if (world->calm) {
        if (frame < world->seconds * 50 - 10) return 0;
        SAY("LogGameMode", "Match ended");
        exit(0);
    }
    if (world->loot && frame == world->seconds * 50 - 10) return inventory_add(player, 16);
    if (world->enter && frame == world->seconds * 50 - 10) {
        WARN("LogVehicle", "the buggy was destroyed while %s reached for the door", player->name);
        return vehicle_enter(world->vehicle, player);
    }
    // The weapon is dropped in the last second and then fired.
    if (frame == world->seconds * 50 - 10) {
        WARN("LogWeapon", "Player03 dropped weapon while reloading, slot cleared");
        world->players[3].weapon = NULL;
    }
    return frame % 5 == 3 ? player_fire(player, (int)(world->state >> 16 & 1023)) : 0;
}

__attribute__((noinline)) static void *game_loop(void *argument) {
    struct world *world = argument;
    int dealt = 0;
    for (int frame = 0;; frame++) {
        dealt += world_tick(world, frame);
        engine_wait(20);
    }
    SAY("LogGameMode", "Damage dealt: %d", dealt);
    return NULL;
}

static void *network_loop(void *argument) {
    (void)argument;
    for (;;) engine_wait(500);
    return NULL;
}

int main(int count, char **arguments) {
    engine_begin("Shooter", VERSION);
    static struct weapon rifle = {30, 24, 0.1f};
    static struct world world;
    world.state = (unsigned)getpid();
    world.seconds = engine_seconds(count, arguments, 3);
    for (int index = 1; index < count; index++) {
        world.loot |= strcmp(arguments[index], "--loot") == 0;
        world.enter |= strcmp(arguments[index], "--vehicle") == 0;
        world.calm |= strcmp(arguments[index], "--calm") == 0;
        if (strncmp(arguments[index], "--player=", 9) == 0)
            SAY("LogNet", "Join succeeded: UniqueId=%s", arguments[index] + 9);
    }
    for (int index = 0; index < 8; index++) {
        snprintf(world.players[index].name, sizeof world.players[index].name, "Player%02d", index);
        world.players[index].weapon = &rifle;
    }
    SAY("LogLoad", "LoadMap: /Game/Maps/Foundry");
    pthread_t game, network;
    pthread_create(&network, NULL, network_loop, NULL);
    pthread_setname_np(network, "NetworkThread");
    pthread_create(&game, NULL, game_loop, &world);
    pthread_setname_np(game, "GameThread");
    pthread_join(game, NULL);
    return 0;
}
