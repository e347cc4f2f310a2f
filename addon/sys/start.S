/*
 * Entry of a freestanding executable, which calls START_MAIN with the stack as the kernel left it
 * (argc, argv, 0, envp, 0), and the clone that needs a stack of its own.
 */
#ifndef START_MAIN
#define START_MAIN init_main
#endif
#if defined(__x86_64__)
	.text
	.globl _start
	.type _start, @function
_start:
	xorl %ebp, %ebp
	movq %rsp, %rdi
	andq $-16, %rsp
	call START_MAIN
	movl %eax, %edi
	movl $231, %eax
	syscall
	hlt

	.globl sys_clone
	.type sys_clone, @function
sys_clone:
	movq %r8, %r10
	movq %rdi, %r8
	movq %rsi, %r9
	movq %rdx, %rsi
	andq $-16, %rsi
	movq %rcx, %rdi
	movq %r10, %rdx
	movl $56, %eax
	/* the child keeps r8 and r9: fn and arg; r8 is clone's tls, unused without CLONE_SETTLS */
	syscall
	testq %rax, %rax
	jnz 1f
	xorl %ebp, %ebp
	movq %r9, %rdi
	call *%r8
	movl %eax, %edi
	movl $60, %eax
	syscall
	hlt
1:	ret

	/* where a signal handler returns to */
	.globl sys_restore
	.type sys_restore, @function
sys_restore:
	movl $15, %eax
	syscall
	hlt

#elif defined(__aarch64__)
	.text
	.globl _start
	.type _start, %function
_start:
	mov x29, #0
	mov x30, #0
	mov x0, sp
	and x9, x0, #-16
	mov sp, x9
	bl START_MAIN
	mov x8, #94
	svc #0
	brk #1

	.globl sys_clone
	.type sys_clone, %function
sys_clone:
	mov x9, x0
	mov x10, x1
	and x1, x2, #-16
	mov x0, x3
	mov x2, x4
	mov x3, #0
	mov x8, #220
	svc #0
	cbnz x0, 1f
	mov x29, #0
	mov x30, #0
	mov x0, x10
	blr x9
	mov x8, #93
	svc #0
	brk #1
1:	ret

	/* where a signal handler returns to */
	.globl sys_restore
	.type sys_restore, %function
sys_restore:
	mov x8, #139
	svc #0
	brk #1
#else
#error "a processor to run on: see the table in ARCHITECTURE.md"
#endif
	.section .note.GNU-stack, "", %progbits
