/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's thread: it runs blocks until something asks for it, and sees to that between
 * two instructions: INIT and SIPI, NMI and interrupts in the order of SDM vol. 3, 6.9,
 * parking, and sleeping while the CPU is halted.
 */

#include "accel/soft/soft.h"
#include "accel/soft/mmu.h"
#include "base/lock.h"

/*
 * The sleeper says that it sleeps and then looks at `request`; here it is the other way
 * round: one of the two sees the other.  With the lock taken once the sleeper waits, or
 * has seen the request; it is woken without, or it would wake to wait for the lock.
 */
void cpu_request(Cpu *cpu, u32 bits)
{
    atomic_fetch_or(&cpu->request, bits);
    if (atomic_load(&cpu->sleeping)) {
        pthread_mutex_lock(&cpu->soft->gate_lock);
        pthread_mutex_unlock(&cpu->soft->gate_lock);
        pthread_cond_signal(&cpu->wake);
    }
}

/*
 * Stands at the boundary as long as the world is stopped, and, with `idle`, until a
 * request comes.
 */
static void cpu_park(Cpu *cpu, bool idle)
{
    Soft *soft = cpu->soft;

    pthread_mutex_lock(&soft->gate_lock);
    atomic_store(&cpu->in_guest, false);
    cpu->at_boundary = true;
    pthread_cond_broadcast(&soft->gate_changed);
    if (idle) {
        atomic_store(&cpu->sleeping, true);
        while (!atomic_load(&cpu->request)) {
            pthread_cond_wait(&cpu->wake, &soft->gate_lock);
        }
        atomic_store(&cpu->sleeping, false);
    }
    while (soft->stopping && !(atomic_load(&cpu->request) & REQUEST_EXIT_CPU)) {
        pthread_cond_wait(&soft->gate_changed, &soft->gate_lock);
    }
    cpu->at_boundary = false;
    pthread_mutex_unlock(&soft->gate_lock);
    guest_enter(cpu);
}

static void cpu_init(Cpu *cpu)
{
    X86State *state = g_new0(X86State, 1);

    cpu_get_state(cpu, state);
    cpu_init_state(cpu, state);
    lapic_reset(cpu->lapic, true);
    guest_leave(cpu);
    machine_lock();                     /* the LAPIC's timer is disarmed */
    if (!cpu_set_state(cpu, state, NULL)) {
        g_assert_not_reached();
    }
    machine_unlock();
    guest_enter(cpu);
    g_free(state);
}

/* SIPI (SDM vol. 3, 10.4.4): starts at vector << 12 in real mode. */
static void cpu_start_up(Cpu *cpu)
{
    cpu->sipi_vector = atomic_load(&cpu->sipi_sent);
    cpu->seg[SEG_CS].selector = cpu->sipi_vector << 8;
    cpu->seg[SEG_CS].base = (u64)cpu->sipi_vector << 12;
    cpu->rip = 0;
    cpu->run_state = RUN_RUNNING;
    cpu_mode_changed(cpu);
}

/* The vector of the interrupt to deliver now, or -1. */
static int cpu_take_interrupt(Cpu *cpu)
{
    int vector = lapic_accept(cpu->lapic);

    if (vector < 0 && lapic_extint(cpu->lapic)) {
        Machine *machine = cpu->machine;

        guest_leave(cpu);
        machine_lock();
        if (machine->pic_pending(machine)) {
            vector = machine->pic_ack(machine);
        }
        machine_unlock();
        guest_enter(cpu);
    }
    return vector;
}

/* Whatever else there is comes after it. */
static void deliver_begun(Cpu *cpu)
{
    cpu->begun.pending = false;
    cpu->run_state = RUN_RUNNING;
    atomic_fetch_or(&cpu->request, REQUEST_INTERRUPT);
    cpu_deliver(cpu, cpu->begun.vector, cpu->begun.has_error, cpu->begun.error, false,
                !cpu->begun.exception);
}

static void cpu_interrupts(Cpu *cpu)
{
    bool open = (cpu->rflags & FLAG_IF) && !cpu->inhibit;
    int vector;

    if (cpu->begun.pending) {
        deliver_begun(cpu);
        return;
    }
    if (cpu->nmi_pending && !cpu->nmi_masked && !cpu->inhibit) {
        cpu->nmi_pending = false;
        cpu->nmi_masked = true;
        cpu->run_state = RUN_RUNNING;
        cpu_deliver(cpu, EXC_NMI, false, 0, false, true);
        cpu_recheck_interrupts(cpu);
        return;
    }
    cpu->irq_waiting = lapic_pending(cpu->lapic) >= 0 || lapic_extint(cpu->lapic);
    if (cpu->irq_waiting && open) {
        vector = cpu_take_interrupt(cpu);
        cpu->irq_waiting = false;
        if (vector >= 0) {
            cpu->run_state = RUN_RUNNING;
            cpu_deliver(cpu, vector, false, 0, false, true);
            atomic_fetch_or(&cpu->request, REQUEST_INTERRUPT);  /* there may be more */
        }
    }
}

static void cpu_signals(Cpu *cpu, u32 request)
{
    if (request & REQUEST_INIT) {
        cpu_init(cpu);
    }
    if ((request & REQUEST_SIPI) && cpu->run_state == RUN_WAIT_SIPI) {
        cpu_start_up(cpu);
    }
    if (request & REQUEST_NMI_IN) {
        cpu->nmi_pending = true;
    }
}

/* A request to park is heeded whenever it comes: whoever made it waits for this CPU. */
void cpu_service(Cpu *cpu)
{
    u32 request = 0;

    for (;;) {
        u32 now = atomic_exchange(&cpu->request, 0);

        request |= now & ~REQUEST_PAUSE;
        if (request & REQUEST_EXIT_CPU) {
            atomic_fetch_or(&cpu->request, REQUEST_EXIT_CPU);
            return;
        }
        if (now & REQUEST_PAUSE) {
            atomic_fetch_or(&cpu->request, request);    /* an NMI is in the state */
            cpu_park(cpu, false);
            continue;
        }
        if (request & REQUEST_FLUSH) {
            mmu_flush(cpu);
        }
        cpu_signals(cpu, request);
        if (cpu->run_state <= RUN_HALTED) {
            cpu_interrupts(cpu);
        }
        if (cpu->run_state == RUN_RUNNING) {
            return;
        }
        request = 0;
        idle_note(cpu);
        cpu_park(cpu, true);
    }
}

void *cpu_thread(void *opaque)
{
    Cpu *cpu = opaque;

    cpu_park(cpu, false);
    atomic_fetch_or(&cpu->request, REQUEST_INTERRUPT);
    while (!(atomic_load(&cpu->request) & REQUEST_EXIT_CPU)) {
        cpu_run(cpu);
    }
    guest_leave(cpu);
    return NULL;
}
