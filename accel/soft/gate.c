/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: how vCPU threads keep out of each other's way (soft.h has the rules), and
 * device accesses, which are the places where a vCPU leaves the guest in the middle of
 * an instruction.
 */

#include "accel/soft/soft.h"
#include "base/lock.h"

/* Tells whoever waits for the vCPUs that one of them has changed. */
static void gate_notify(Soft *soft)
{
    pthread_mutex_lock(&soft->gate_lock);
    pthread_cond_broadcast(&soft->gate_changed);
    pthread_mutex_unlock(&soft->gate_lock);
}

/*
 * Announcing oneself and then looking at the gate, while exclusive_begin closes the
 * gate and then looks for whoever is in: with both orders sequentially consistent at
 * least one of the two sees the other.
 */
void guest_enter(Cpu *cpu)
{
    Soft *soft = cpu->soft;

    for (;;) {
        atomic_store(&cpu->in_guest, true);
        if (likely(!atomic_load(&soft->gate_closed))) {
            return;
        }
        guest_leave(cpu);
        pthread_mutex_lock(&soft->gate_lock);
        while (atomic_load(&soft->gate_closed)) {
            pthread_cond_wait(&soft->gate_changed, &soft->gate_lock);
        }
        pthread_mutex_unlock(&soft->gate_lock);
    }
}

void guest_leave(Cpu *cpu)
{
    atomic_store(&cpu->in_guest, false);
    if (unlikely(atomic_load(&cpu->soft->gate_closed))) {
        gate_notify(cpu->soft);
    }
}

static bool others_in_guest(Soft *soft, const Cpu *self)
{
    for (unsigned i = 0; i < soft->cpus; i++) {
        if (soft->cpu[i] != self && atomic_load(&soft->cpu[i]->in_guest)) {
            return true;
        }
    }
    return false;
}

static void kick_others(Soft *soft, const Cpu *self)
{
    for (unsigned i = 0; i < soft->cpus; i++) {
        if (soft->cpu[i] != self) {
            atomic_fetch_or(&soft->cpu[i]->request, REQUEST_PAUSE);
        }
    }
}

void exclusive_begin(Soft *soft, Cpu *self)
{
    bool was_in = self && atomic_load(&self->in_guest);

    pthread_mutex_lock(&soft->gate_lock);
    while (atomic_load(&soft->gate_closed)) {
        if (was_in) {
            atomic_store(&self->in_guest, false);
            pthread_cond_broadcast(&soft->gate_changed);
        }
        pthread_cond_wait(&soft->gate_changed, &soft->gate_lock);
    }
    atomic_store(&soft->gate_closed, true);
    if (was_in) {
        atomic_store(&self->in_guest, true);
    }
    kick_others(soft, self);
    while (others_in_guest(soft, self)) {
        pthread_cond_wait(&soft->gate_changed, &soft->gate_lock);
    }
    soft->gate_owner = self;
    pthread_mutex_unlock(&soft->gate_lock);
}

void exclusive_end(Soft *soft, Cpu *self)
{
    pthread_mutex_lock(&soft->gate_lock);
    g_assert(atomic_load(&soft->gate_closed) && soft->gate_owner == self);
    soft->gate_owner = NULL;
    atomic_store(&soft->gate_closed, false);
    pthread_cond_broadcast(&soft->gate_changed);
    pthread_mutex_unlock(&soft->gate_lock);
}

static bool all_at_boundary(Soft *soft, const Cpu *self)
{
    for (unsigned i = 0; i < soft->cpus; i++) {
        if (soft->cpu[i] != self && !soft->cpu[i]->at_boundary) {
            return false;
        }
    }
    return true;
}

void world_stop(Soft *soft, Cpu *self)
{
    pthread_mutex_lock(&soft->gate_lock);
    if (self) { /* whoever waits for the gate or for the world counts it as stopped */
        self->at_boundary = true;
        atomic_store(&self->in_guest, false);
        pthread_cond_broadcast(&soft->gate_changed);
    }
    while (soft->stopping) {
        pthread_cond_wait(&soft->gate_changed, &soft->gate_lock);
    }
    soft->stopping = true;
    if (self) {
        self->at_boundary = false;
    }
    kick_others(soft, self);
    while (!all_at_boundary(soft, self)) {
        pthread_cond_wait(&soft->gate_changed, &soft->gate_lock);
    }
    pthread_mutex_unlock(&soft->gate_lock);
    if (self) {
        guest_enter(self);
    }
}

void world_start(Soft *soft, Cpu *self)
{
    pthread_mutex_lock(&soft->gate_lock);
    g_assert(soft->stopping && (!self || !self->at_boundary));
    soft->stopping = false;
    pthread_cond_broadcast(&soft->gate_changed);
    pthread_mutex_unlock(&soft->gate_lock);
}

/*
 * ---- device accesses ----
 *
 * A locked operation on MMIO reaches here inside an exclusive section, which has to be
 * given up: devices see two accesses then, as they do from a CPU whose bus lock they
 * ignore.
 */

static bool device_begin(Cpu *cpu)
{
    bool exclusive = cpu->soft->gate_owner == cpu;

    if (unlikely(exclusive)) {
        exclusive_end(cpu->soft, cpu);
    }
    guest_leave(cpu);
    machine_lock();
    return exclusive;
}

static void device_end(Cpu *cpu, bool exclusive)
{
    machine_unlock();
    guest_enter(cpu);
    if (unlikely(exclusive)) {
        exclusive_begin(cpu->soft, cpu);
    }
}

static u64 device_read(Cpu *cpu, Space *space, u64 at, unsigned size)
{
    bool exclusive = device_begin(cpu);
    u64 value = space_read(space, at, size);

    device_end(cpu, exclusive);
    return value;
}

u64 cpu_mmio_read(Cpu *cpu, gpa at, unsigned size)
{
    return device_read(cpu, cpu->machine->mmio, at, size);
}

void cpu_mmio_write(Cpu *cpu, gpa at, u64 value, unsigned size)
{
    BellHint *hint = &cpu->bell[at / 4 % G_N_ELEMENTS(cpu->bell)];
    bool exclusive;

    if (space_ring(hint, at, size)) {
        return;
    }
    exclusive = device_begin(cpu);
    space_write_noted(cpu->machine->mmio, at, value, size, hint);
    device_end(cpu, exclusive);
}

u64 cpu_port_read(Cpu *cpu, u16 port, unsigned size)
{
    return device_read(cpu, cpu->machine->io, port, size);
}

void cpu_port_write(Cpu *cpu, u16 port, u64 value, unsigned size)
{
    bool exclusive = device_begin(cpu);

    space_write(cpu->machine->io, port, value, size);
    device_end(cpu, exclusive);
}
