/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions: raising one, and what becomes of one that is raised while another event
 * is being delivered (SDM vol. 3, 6.15, "Interrupt 8").
 *
 * cpu_raise unwinds to the run loop, which makes cpu->rip the faulting instruction and
 * calls cpu_deliver.  If delivery itself faults it unwinds the same way, with
 * cpu->event still marked pending: so the next cpu_deliver knows what it is nested in.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/event.h"
#include "accel/soft/mmu.h"
#include "base/log.h"
#include <inttypes.h>

static _Noreturn void unwind(Cpu *cpu, u8 vector, bool has_error, u32 error)
{
    cpu->raised_vector = vector;
    cpu->raised_has_error = has_error;
    cpu->raised_error = error;
    cpu->raised_soft = false;
    siglongjmp(cpu->unwind, 1);
}

void cpu_raise(Cpu *cpu, u8 vector)
{
    unwind(cpu, vector, false, 0);
}

void cpu_raise_error(Cpu *cpu, u8 vector, u32 error)
{
    unwind(cpu, vector, true, error);
}

void cpu_page_fault(Cpu *cpu, gva at, u32 error)
{
    cpu->cr2 = at;
    unwind(cpu, EXC_PF, true, error);
}

/* The bytes of the present instruction, for the log; fewer if memory ends. */
static void print_bytes(Cpu *cpu, GString *out)
{
    gva at = cpu->seg[SEG_CS].base + cpu_rip(cpu);
    u8 byte;
    gpa phys;

    for (unsigned i = 0; i < cpu->insn->len; i++) {
        if (mmu_translate(cpu, at + i, &phys) &&
            mem_read(cpu->machine->mem, phys, &byte, 1)) {
            g_string_append_printf(out, " %02x", byte);
        }
    }
}

void cpu_unimplemented(Cpu *cpu, const Insn *insn)
{
    cpu->unimp_seen++;
    if (log_is_on(LOG_UNIMP)) {
        g_autoptr(GString) text = g_string_new(NULL);

        print_bytes(cpu, text);
        log_write("vCPU %u at %04x:%" PRIx64 ": no such instruction:%s", cpu->index,
                  cpu->seg[SEG_CS].selector, cpu->gpr[REG_BLOCK] + insn->at, text->str);
    }
    cpu_raise(cpu, EXC_UD);
}

void cpu_stop(Cpu *cpu, u8 run_state)
{
    cpu->run_state = run_state;
    atomic_fetch_or(&cpu->request, REQUEST_INTERRUPT);
}

/* Shutdown (6.15): the machine is reset, and until then this CPU does nothing. */
static void triple_fault(Cpu *cpu, u8 vector)
{
    cpu->event.pending = false;
    log_at(LOG_INT | LOG_CPU_RESET, "vCPU %u: triple fault, vector %u at %04x:%" PRIx64,
           cpu->index, vector, cpu->seg[SEG_CS].selector, cpu->rip);
    cpu_stop(cpu, RUN_WAIT_INIT);
    machine_request(cpu->machine, REQUEST_RESET, 0, "triple fault");
}

/* Table 6-4: classes of exceptions for nesting. */
static bool is_contributory(u8 vector)
{
    return vector == EXC_DE || (vector >= EXC_TS && vector <= EXC_GP);
}

/* Table 6-5: do these two make a double fault? */
static bool is_double(u8 first, u8 second)
{
    return (is_contributory(first) && is_contributory(second)) ||
           (first == EXC_PF && (is_contributory(second) || second == EXC_PF));
}

/*
 * An exception that came up while cpu->event was being delivered.  False: that was a
 * double fault, and this is the third.
 */
static bool nest(Cpu *cpu, u8 *vector, bool *has_error, u32 *error)
{
    u8 first = cpu->event.vector;

    if (cpu->event.soft) {          /* an interrupt: benign, the second one counts */
        return true;
    }
    if (first == EXC_DF && (is_contributory(*vector) || *vector == EXC_PF)) {
        return false;
    }
    if (is_double(first, *vector)) {
        *vector = EXC_DF;
        *has_error = true;
        *error = 0;
    }
    return true;
}

/*
 * Does the pushed image have RF set (vol. 3, 17.3.1.1): a fault, so that it is tried
 * again.
 */
static bool is_fault(u8 vector)
{
    static const u32 not_faults = 1u << EXC_DB | 1u << EXC_NMI | 1u << EXC_BP |
                                  1u << EXC_OF | 1u << EXC_DF | 1u << EXC_MC;

    return vector < 32 && !(not_faults >> vector & 1);
}

static void deliver_now(Cpu *cpu, const Event *event, bool benign)
{
    log_at(LOG_INT,
           "vCPU %u: vector %02x error %04x at %04x:%016" PRIx64 " sp %04x:%016" PRIx64
           " cr2 %016" PRIx64 "%s",
           cpu->index, event->vector, event->error, cpu->seg[SEG_CS].selector,
           event->rip, cpu->seg[SEG_SS].selector, cpu->gpr[RSP], cpu->cr2,
           benign ? "" : " (exception)");
    cpu->event.vector = event->vector;
    cpu->event.soft = benign;
    cpu->event.pending = true;
    cpu->step_trap = false;
    event_deliver(cpu, event);
    cpu->event.pending = false;
    cpu->inhibit = 0;
}

void cpu_deliver(Cpu *cpu, u8 vector, bool has_error, u32 error, bool soft,
                 bool external)
{
    bool exception = !soft && !external;
    Event event;

    if (exception && cpu->event.pending && !nest(cpu, &vector, &has_error, &error)) {
        triple_fault(cpu, vector);
        return;
    }
    event = (Event){ .vector = vector, .has_error = has_error, .error = error,
                     .soft = soft, .rip = cpu->rip, .flags = cpu_flags(cpu) };
    if (exception && is_fault(vector)) {
        event.flags |= FLAG_RF;
    }
    if (exception && vector == EXC_DB) {
        cpu->dr[7] &= ~(u64)DR7_GD;
    }
    deliver_now(cpu, &event, !exception);
}

void cpu_soft_interrupt(Cpu *cpu, u8 vector, u64 next, bool checked)
{
    Event event = { .vector = vector, .soft = checked, .rip = next,
                    .flags = cpu_flags(cpu) };

    deliver_now(cpu, &event, true);
}
