/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One block to host code, instruction by instruction.
 *
 * Most are emitted as they are but for the names of registers (copy_*): registers that have none in the host are loaded into a
 * scratch register before and stored after, memory operands become (%S1).  The stack has forms of its own; whatever is not
 * known here is done by the interpreter's function, with all registers in their places.
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/run.h"

static const Opcode *row_of(const Code *c)
{
    return opcode_row(c->insn->op);
}

static unsigned width(const Code *c)
{
    return c->insn->more & INSN2_WIDTH;
}

static bool in_memory(unsigned guest)
{
    return !(guest & BYTE_HIGH) && host_register_of[guest] == IN_MEMORY;
}

/* ---- what rows say ---- */

static bool is_byte(u8 operand)
{
    return operand == O_Eb || operand == O_Gb || operand == O_Zb;
}

static bool row_has_byte(const Opcode *row)
{
    return is_byte(row->operand[0]) || is_byte(row->operand[1]);
}

static bool is_rm(u8 operand)
{
    return operand >= O_Eb && operand <= O_Ev;
}

static bool is_reg(u8 operand)
{
    return (operand >= O_Gb && operand <= O_Gv) || operand == O_Zb || operand == O_Zv || operand == O_Zq;
}

static bool row_uses_reg(const Opcode *row)
{
    return is_reg(row->operand[0]) || is_reg(row->operand[1]);
}

/* Bytes of the operand that may be memory; 0: there is none. */
static unsigned memory_size(const Code *c)
{
    const Opcode *row = row_of(c);

    for (unsigned i = 0; i < 2; i++) {
        switch (row->operand[i]) {
        case O_Eb: case O_Mb:
            return 1;
        case O_Ew: case O_Mw:
            return 2;
        case O_Ed: case O_Md:
            return 4;
        case O_Eq: case O_Mq:
            return 8;
        case O_Ev: case O_Ey:
            return 1u << width(c);
        }
    }
    return 0;
}

enum { IS_READ = 1, IS_DIVISION = 2, IS_BOTH = 4, IS_COPY = 8 };

/* Does it only read its first operand?  Does it write both?  May it be copied, whatever its row says? */
static unsigned row_kind(const Opcode *row)
{
    if (row->map == MAP_0F) {
        switch (row->byte) {
        case 0xa3:                                      /* bt */
            return IS_READ;
        case 0xba:
            return row->ext == 4 ? IS_READ : 0;
        case 0xb0: case 0xb1:                           /* cmpxchg */
            return IS_COPY;
        case 0xc0: case 0xc1:                           /* xadd */
            return IS_COPY | IS_BOTH;
        }
        return 0;
    }
    if (row->map == MAP_0F38) {                         /* crc32 */
        return row->prefix == P_F2 && (row->byte & 0xfe) == 0xf0 ? IS_COPY : 0;
    }
    if ((row->byte & 0xf8) == 0x38 || (row->byte >= 0x80 && row->byte <= 0x83 && row->ext == 7) ||
        (row->byte & 0xfe) == 0x84 || (row->byte & 0xfe) == 0xa8) {
        return IS_READ;                                 /* cmp, test */
    }
    if ((row->byte & 0xfe) == 0xf6 && row->ext != 2 && row->ext != 3) {
        return row->ext < 2 ? IS_READ : IS_COPY | IS_READ | (row->ext >= 6 ? IS_DIVISION : 0);
    }
    if ((row->byte & 0xfe) == 0x86) {                   /* xchg */
        return IS_COPY | IS_BOTH;
    }
    return row->byte == 0x91 ? IS_BOTH : 0;
}

static u32 host_opcode(const Code *c)
{
    static const u32 prefix[] = { [P_66] = X_66, [P_F3] = X_F3, [P_F2] = X_F2 };
    const Opcode *row = row_of(c);
    u32 op = row->byte | (u32)row->map << 8;

    op |= row->prefix < G_N_ELEMENTS(prefix) ? prefix[row->prefix] : 0;
    op |= width(c) == 1 ? X_66 : width(c) == 3 ? X_W : 0;
    return op | (c->insn->more & INSN2_LOCK ? X_LOCK : 0);
}

static void immediate(Code *c)
{
    const Opcode *row = row_of(c);
    unsigned n = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Ib: case O_sIb:
            n = 1;
            break;
        case O_Iw:
            n = 2;
            break;
        case O_Iz:
            n = width(c) == 1 ? 2 : 4;
            break;
        case O_Iv:
            n = 1u << width(c);
            break;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        emit8(c->e, c->insn->imm >> i * 8);
    }
}

/* ---- copies ---- */

/* The host's number of a guest register, which is loaded into `temp` if it has none. */
static unsigned operand_reg(Code *c, unsigned guest, unsigned temp)
{
    return guest & BYTE_HIGH ? (guest & 3) + 4 : code_reg(c, guest, temp);
}

static void put_back(Code *c, unsigned guest, unsigned temp)
{
    if (in_memory(guest)) {
        emit_cpu(c->e, 0x89 | X_W, temp, CPU_GPR(guest));
    }
}

/* ah ch dh bh can't be named beside a REX prefix. */
static bool needs_high(const Code *c)
{
    unsigned rm = c->insn->shape & INSN_MEM ? 0 : c->insn->rm;

    return row_has_byte(row_of(c)) && (c->insn->reg | rm) & BYTE_HIGH;
}

static u32 byte_rex(const Code *c)
{
    return row_has_byte(row_of(c)) && !needs_high(c) ? X_REX : 0;
}

void code_trap(Code *c)
{
    Cold *cold = code_new_cold(c, 0);

    cold->insn = c->insn;
    cold->trap = true;
    if (c->jit->traps < c->jit->traps_max) {
        c->jit->trap[c->jit->traps] = (JitTrap){ c->e->at, c->colds - 1 };
        atomic_fetch_add(&c->jit->traps, 1);
    } else {
        c->failed = true;
    }
}

static bool copy_registers(Code *c)
{
    const Opcode *row = row_of(c);
    unsigned kind = row_kind(row), traits = opcode_traits(c->insn->op), reg = 0, rm = 0;
    bool uses_reg = row_uses_reg(row), z = traits & HAS_Z;
    u32 op = host_opcode(c) | byte_rex(c);

    if (needs_high(c) && (op & X_W || (uses_reg && !(c->insn->reg & BYTE_HIGH) && c->insn->reg >= RSP) ||
                          (!(c->insn->rm & BYTE_HIGH) && c->insn->rm >= RSP))) {
        return false;
    }
    if (uses_reg) {
        reg = operand_reg(c, c->insn->reg, S1);
    }
    if (traits & HAS_MODRM) {
        rm = operand_reg(c, c->insn->rm, S2);
    }
    if (kind & IS_DIVISION) {
        code_trap(c);
    }
    if (traits & HAS_MODRM) {
        emit_rr(c->e, op, row->ext >= 0 ? (unsigned)row->ext : reg, rm);
    } else {
        emit_z(c->e, z ? op & ~7u : op, z ? reg : 0);
    }
    immediate(c);
    if (uses_reg && !(kind & IS_READ) && (is_reg(row->operand[0]) || kind & IS_BOTH)) {
        put_back(c, c->insn->reg, S1);
    }
    if (traits & HAS_MODRM && !(kind & IS_READ) && (is_rm(row->operand[0]) || kind & IS_BOTH)) {
        put_back(c, c->insn->rm, S2);
    }
    return true;
}

static bool copy_memory(Code *c)
{
    const Opcode *row = row_of(c);
    unsigned kind = row_kind(row), size = memory_size(c), reg = row->ext >= 0 ? (unsigned)row->ext : 0;
    bool uses_reg = row_uses_reg(row), write = is_rm(row->operand[0]) && !(kind & IS_READ);
    Place place;
    bool bit_string = row->map == MAP_0F && (row->byte & 0xe7) == 0xa3;

    if (!size || !code_can_address(c) || needs_high(c) || bit_string) {
        return false;
    }
    code_begin_access(c);
    place = code_operand(c, size, write || kind & IS_BOTH);
    code_end_access(c, &place);
    if (uses_reg) {
        reg = operand_reg(c, c->insn->reg, in_memory(c->insn->reg) ? code_spare(c, &place) : 0);
    }
    if (kind & IS_DIVISION) {
        code_trap(c);
    }
    code_at(c, host_opcode(c) | byte_rex(c), reg, &place);
    immediate(c);
    if (uses_reg && !(kind & IS_READ) && (is_reg(row->operand[0]) || kind & IS_BOTH)) {
        put_back(c, c->insn->reg, place.spare);
    }
    return true;
}

static bool copy(Code *c)
{
    return c->insn->shape & INSN_MEM ? copy_memory(c) : copy_registers(c);
}

static bool load_address(Code *c)
{
    unsigned to = code_reg(c, c->insn->reg, S1);
    bool addr32 = (c->insn->shape & INSN_ADDR) == INSN_ADDR32;

    if (!code_can_address(c) || (addr32 && width(c) == 3) || (in_memory(c->insn->reg) && width(c) == 1)) {
        return false;
    }
    code_offset(c, to, width(c) == 3 ? X_W : width(c) == 1 ? X_66 : 0);
    put_back(c, c->insn->reg, to);
    return true;
}

/* ---- the stack ---- */

static void move_sp(Code *c, s32 by)
{
    emit_rm(c->e, 0x8d | X_W, host_register_of[RSP], host_register_of[RSP], NO_REG, 0, by);
}

/* The place below the stack; S1 is spare. */
static Place push_place(Code *c)
{
    Place place = code_place(c, host_register_of[RSP], -8, 8, true);

    code_end_access(c, &place);
    return place;
}

static void push_reg(Code *c, unsigned guest)
{
    Place place;

    code_begin_access(c);
    place = push_place(c);
    code_at(c, 0x89 | X_W, code_reg(c, guest, S1), &place);
    move_sp(c, -8);
}

static void push_imm(Code *c)
{
    Place place;

    code_begin_access(c);
    place = push_place(c);
    code_at(c, 0xc7 | X_W, 0, &place);
    emit32(c->e, c->insn->imm);
    move_sp(c, -8);
}

static bool push_mem(Code *c)
{
    Place place;

    if (!code_can_address(c)) {
        return false;
    }
    code_begin_access(c);
    place = code_operand(c, 8, false);
    code_at(c, 0x8b | X_W, S2, &place);
    emit_cpu(c->e, 0x89 | X_W, S2, offsetof(Cpu, jit_temp));
    place = push_place(c);
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, jit_temp));
    code_at(c, 0x89 | X_W, S1, &place);
    move_sp(c, -8);
    return true;
}

static void pop_reg(Code *c, unsigned guest)
{
    unsigned to = in_memory(guest) ? S1 : (unsigned)host_register_of[guest];
    Place place;

    code_begin_access(c);
    place = code_place(c, host_register_of[RSP], 0, 8, false);
    code_end_access(c, &place);
    code_at(c, 0x8b | X_W, to, &place);
    if (guest != RSP) {
        move_sp(c, 8);
    }
    put_back(c, guest, S1);
}

static void leave(Code *c)
{
    Place place;

    code_begin_access(c);
    place = code_place(c, H_RBP, 0, 8, false);
    code_end_access(c, &place);
    emit_rm(c->e, 0x8d | X_W, S1, H_RBP, NO_REG, 0, 8);
    code_at(c, 0x8b | X_W, H_RBP, &place);
    emit_rr(c->e, 0x8b | X_W, host_register_of[RSP], S1);
}

static bool stack(Code *c)
{
    const Opcode *row = row_of(c);

    if (row->map != MAP_1 || width(c) != 3) {
        return false;
    }
    switch (row->byte) {
    case 0x50:
        push_reg(c, c->insn->reg);
        return true;
    case 0x58:
        pop_reg(c, c->insn->reg);
        return true;
    case 0x68:
    case 0x6a:
        push_imm(c);
        return true;
    case 0xff:
        if (row->ext == 6 && c->insn->shape & INSN_MEM) {
            return push_mem(c);
        }
        return row->ext == 6 ? push_reg(c, c->insn->rm), true : false;
    case 0xc9:
        leave(c);
        return true;
    }
    return false;
}

/* ---- those that do little ---- */

static bool simple(Code *c)
{
    const Opcode *row = row_of(c);

    if (row->map == MAP_0F && ((row->byte >= 0x18 && row->byte <= 0x1f) || row->byte == 0x0d)) {
        return !strcmp(row->name, "nop");
    }
    if (row->map != MAP_1) {
        return false;
    }
    switch (row->byte) {
    case 0x90:
        if (row->prefix == P_F3) {
            emit_z(c->e, 0x90 | X_F3, 0);
            return true;
        }
        return c->insn->reg == RAX;
    case 0xf5: case 0xf8: case 0xf9: case 0x9e: case 0x9f:      /* cmc clc stc sahf lahf */
        emit8(c->e, row->byte);
        return true;
    case 0xfc:                                                  /* cld */
        code_begin_access(c);
        emit_cpu(c->e, 0x81, 4, offsetof(Cpu, rflags));
        emit32(c->e, ~FLAG_DF);
        code_end_access(c, NULL);
        return true;
    }
    return false;
}

/* ---- all of it ---- */

enum { NOT_PLAIN = OP_ENDS | OP_FPU | OP_SSE | OP_MMX };

static bool has_own_form(Code *c)
{
    const Opcode *row = row_of(c);

    if (row->map == MAP_1 && row->byte == 0x8d) {
        return load_address(c);
    }
    if (simple(c) || stack(c) || code_system(c) || code_sse(c) || code_x87(c)) {
        return true;
    }
    if (row->map == MAP_1 && (row->byte == 0x90 || (row->byte >= 0xa0 && row->byte <= 0xa3))) {
        return false;
    }
    return (row->class == CLASS_COPY || row_kind(row) & IS_COPY) && !(row->attr & NOT_PLAIN) && copy(c);
}

/* Misses of the instruction before go on here. */
static void set_backs(Code *c, unsigned from)
{
    for (unsigned i = from; i < c->colds; i++) {
        if (c->cold[i].insn && !c->cold[i].back) {
            c->cold[i].back = c->e->at;
        }
    }
}

static void instruction(Code *c)
{
    unsigned colds = c->colds;
    u32 at = c->e->at;

    if (insn_ends_block(c->insn)) {
        if (!(row_of(c)->class == CLASS_BRANCH ? code_branch(c) : code_sti(c))) {
            code_interpret_last(c);
        }
        return;
    }
    if (!has_own_form(c)) {
        c->e->at = at;
        c->colds = colds;
        code_interpret(c);
        c->fp = 0;
    }
    set_backs(c, colds);
}

/* The entry from the jump cache (S2: its entry there), and that of backward jumps. */
static void entries(Code *c)
{
    Block *block = c->block;
    Emit *e = c->e;

    emit_rip(e, 0x80, 7, &block->valid, 1);                 /* cmp $0 */
    emit8(e, 0);
    emit_jump(e, CC_Z, c->jit->not_translated);
    emit_rm(e, 0x8b | X_W | X_GS, S1, NO_REG, S2, 0, offsetof(Cpu, jump) + offsetof(JumpEntry, rip));
    emit_rm(e, 0x8d | X_W, S1, S1, NO_REG, 0, -(s32)c->page_at);
    emit_cpu(e, 0x89 | X_W, S1, offsetof(Cpu, code_page));
    block->loop_entry = e->at;
    emit_cpu(e, 0x83, 7, offsetof(Cpu, request));
    emit8(e, 0);
    code_new_cold(c, emit_jump(e, CC_NZ, 0));
    if (c->live[0]) {
        code_restore_flags(e, S1);
    }
    block->entry = e->at;
}

/* Backward jumps to a block that reads flags. */
static void loop_entry(Code *c)
{
    Emit *e = c->e;

    if (c->live[0]) {
        c->block->loop_entry = e->at;
        code_save_flags(e, S1);
        emit_cpu(e, 0x83, 7, offsetof(Cpu, request));
        emit8(e, 0);
        code_new_cold(c, emit_jump(e, CC_NZ, 0));
        code_restore_flags(e, S1);
        emit_jump(e, JMP, c->block->entry);
    }
}

static void translate(Code *c)
{
    Block *block = c->block;

    code_find_live(c);
    entries(c);
    for (c->i = 0; c->i < block->n; c->i++) {
        c->insn = &block->insn[c->i];
        instruction(c);
    }
    if (block->entries > block->n) {
        c->insn = &block->insn[block->n];
        code_fall(c, c->page_at + block->bytes);
    }
    loop_entry(c);
    code_cold(c);
}

/* Traps were noted with the number of their cold; now it is known where that is. */
static void settle_traps(Code *c, unsigned from)
{
    for (unsigned i = from; i < c->jit->traps; i++) {
        c->jit->trap[i].cold = c->cold[c->jit->trap[i].cold].jump;
    }
}

bool jit_translate(Jit *jit, Block *block)
{
    Code c = { .e = &jit->e, .jit = jit, .block = block, .mmu = block->mode >> MODE_MMU_SHIFT,
               .page_at = block->at & ~PAGE_MASK };
    u32 begin = (jit->e.at + 15) & ~15u;
    unsigned traps = jit->traps;

    c.blocks = jit->blocks;
    jit->e.at = begin;
    translate(&c);
    if (jit->e.full || c.failed) {
        jit->e.full = false;
        jit->e.at = begin;
        atomic_store(&jit->traps, traps);
        return false;
    }
    settle_traps(&c, traps);
    __atomic_store_n(&block->code, jit->exec + begin, __ATOMIC_RELEASE);
    jit_note(jit, block, begin);
    jit->translated++;
    jit->translated_insns += block->n;
    return true;
}
